import { describe, expect, it } from "vitest";
import { ERRORS, PkiError, toPkiError } from "./index.ts";

describe("errors", () => {
  it("gives every code a gRPC and an HTTP status that agree on whose fault it is", () => {
    const ours = new Set([4, 13, 14]); // DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE
    for (const [code, row] of Object.entries(ERRORS)) {
      if (ours.has(row.grpc)) expect(row.http, code).toBeGreaterThanOrEqual(500);
    }
  });

  it("hides what it does not know behind INTERNAL and keeps it as the cause", () => {
    const original = new Error("PIN 1234 is wrong");
    const error = toPkiError(original);
    expect(error.code).toBe("INTERNAL");
    expect(error.message).not.toContain("1234");
    expect(error.cause).toBe(original);
  });

  it("passes a PkiError through unchanged", () => {
    const error = new PkiError("NOT_FOUND", "no such certificate", { details: { certificateId: "x" } });
    expect(toPkiError(error)).toBe(error);
  });
});
