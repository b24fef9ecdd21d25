import { ERRORS, type ErrorCode, GRPC_STATUS, PkiError } from "@vcc-pki/errors";
import { describe, expect, it } from "vitest";
import { fromWireError, toWireError } from "./wire-error.ts";

describe("errors over the wire", () => {
  it.each(Object.keys(ERRORS) as ErrorCode[])("%s arrives as it was thrown", (code) => {
    const thrown = new PkiError(code, "Zürich ☃", {
      details: { approvalId: "ä1", other: '"\n' },
      cause: new Error("secret inside"),
    });
    const wire = toWireError(thrown);
    expect(JSON.stringify(wire)).not.toContain("secret inside");
    expect(Object.values(wire.trailers).join("")).toMatch(/^[\x20-\x7e]*$/);
    const { message, details } = fromWireError(wire);
    expect([fromWireError(wire).code, message, details]).toEqual([code, thrown.message, thrown.details]);
  });

  it.each([
    [GRPC_STATUS.UNAVAILABLE, "PEER_UNAVAILABLE"],
    [GRPC_STATUS.INTERNAL, "PEER_UNAVAILABLE"],
    [GRPC_STATUS.PERMISSION_DENIED, "PEER_UNAVAILABLE"],
    [GRPC_STATUS.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"],
    [GRPC_STATUS.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE"],
    [GRPC_STATUS.UNIMPLEMENTED, "METHOD_UNKNOWN"],
  ])("status %d without an error-code is %s, and gRPC's words stay inside", (status, code) => {
    const error = fromWireError({ status, message: "connect 10.0.0.1:7402", trailers: {} });
    expect(error.code).toBe(code);
    expect(error.message).not.toContain("10.0.0.1");
  });

  it("takes a code it does not know for INTERNAL and broken details for none", () => {
    const trailers = { "error-code": "FROM_THE_FUTURE" };
    expect(fromWireError({ status: 3, message: "", trailers })).toMatchObject({
      code: "INTERNAL",
      details: { unknownCode: "FROM_THE_FUTURE" },
    });
    const broken = { "error-code": "NOT_FOUND", "error-details": "{" };
    expect(fromWireError({ status: 5, message: "", trailers: broken }).details).toEqual({});
  });

  it("sends what fits into a header", () => {
    const wire = toWireError(
      new PkiError("NOT_FOUND", `\ud800${"x".repeat(100_000)}`, { details: { a: "x".repeat(100_000) } }),
    );
    expect(wire.message.length).toBeLessThanOrEqual(1_000);
    expect(() => encodeURI(wire.message)).not.toThrow();
    expect(wire.trailers).toEqual({ "error-code": "NOT_FOUND" });
  });
});
