import { describe, expect, it } from "vitest";
import { firstNotice, noticesOf } from "./expiry-notices.ts";

const life = (notBefore: string, notAfter: string) => ({
  notBefore: new Date(notBefore),
  notAfter: new Date(notAfter),
});

describe("expiry notices", () => {
  it("of a year come 30, 14, 7 and 1 days before the end, and at the end", () => {
    const notices = noticesOf(life("2026-01-01T00:00:00Z", "2026-12-31T23:59:59Z"));
    expect(notices.map(({ at, threshold }) => [at.toISOString().slice(0, 10), threshold])).toEqual([
      ["2026-12-02", "30d"],
      ["2026-12-18", "14d"],
      ["2026-12-25", "7d"],
      ["2026-12-31", "1d"],
      ["2027-01-01", "end"],
    ]);
  });

  it("of a day come at the same fractions of life", () => {
    const notices = noticesOf(life("2026-01-01T00:00:00Z", "2026-01-01T23:59:59Z"));
    expect(notices.map(({ at, threshold }) => [at.toISOString().slice(11, 19), threshold])).toEqual([
      ["16:00:00", "1/3"],
      ["20:16:00", "14/90"],
      ["22:08:00", "7/90"],
      ["23:44:00", "1/90"],
      ["00:00:00", "end"],
    ]);
  });

  it("begin with the first", () => {
    expect(firstNotice(life("2026-01-01T00:00:00Z", "2026-12-31T23:59:59Z"))?.toISOString()).toBe(
      "2026-12-02T00:00:00.000Z",
    );
  });
});
