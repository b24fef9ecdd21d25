import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { covers, matchesPath, overlap, parsePath, parsePathPattern } from "./path.ts";

const malformed = expect.objectContaining({ code: "REQUEST_MALFORMED" });

describe("a path", () => {
  it.each([
    ["/", []],
    ["/api/v1/jobs", ["api", "v1", "jobs"]],
    ["/api/v1/jobs/", ["api", "v1", "jobs"]],
    ["/api/v1/jobs?state=open#top", ["api", "v1", "jobs"]],
    ["/b%C3%BCro/a%20b", ["büro", "a b"]],
    ["/vcc.jobs.v1.Jobs/List", ["vcc.jobs.v1.Jobs", "List"]],
  ])("%s is read", (path, segments) => {
    expect(parsePath(path)).toEqual(segments);
  });

  it.each([
    "",
    "api",
    "https://covina/api",
    "//api",
    "/api//jobs",
    "/api/./jobs",
    "/api/../admin",
    "/api/%2e%2e/admin",
    "/api%2fadmin",
    "/api\\admin",
    "/api%5cadmin",
    "/api;x=1/admin",
    "/api%00",
    "/api\n",
    "/api/%252e%252e/admin",
    "/api/%ff",
    "/api/%4",
    `/${"a".repeat(5_000)}`,
    "/a".repeat(65),
  ])("that can be read in two ways is refused: %j", (path) => {
    expect(() => parsePath(path)).toThrow(malformed);
  });

  it("never becomes a segment that goes elsewhere, whatever comes in", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        let segments: readonly string[];
        try {
          segments = parsePath(`/${text}`);
        } catch {
          return;
        }
        for (const segment of segments) expect(segment).not.toMatch(/^\.{0,2}$|[/\\;]|%[0-9a-f]{2}/i);
      }),
    );
  });
});

describe("a pattern", () => {
  it.each([
    ["/", "/", true],
    ["/api/jobs", "/api/jobs", true],
    ["/api/jobs", "/api/jobs/1", false],
    ["/api/jobs", "/api/Jobs", false],
    ["/api/*", "/api/jobs", true],
    ["/api/*", "/api", false],
    ["/api/*", "/api/jobs/1", false],
    ["/api/*/state", "/api/7/state", true],
    ["/api/**", "/api", true],
    ["/api/**", "/api/jobs/1/state", true],
    ["/api/**", "/apis", false],
    ["/**", "/", true],
  ])("%s and the path %s: %s", (pattern, path, isMatch) => {
    expect(matchesPath(parsePathPattern(pattern), parsePath(path))).toBe(isMatch);
  });

  it("is read in any case where it closes", () => {
    expect(matchesPath(parsePathPattern("/api/Admin"), parsePath("/API/admin"), true)).toBe(true);
  });

  it.each(["api", "", "/api//x", "/api/../x", "/**/x", "/a*b", "/a b", "/a%20b", "//"])("%j is none", (text) => {
    expect(() => parsePathPattern(text)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  const segment = fc.constantFrom("a", "b", "*");
  const pattern = fc
    .tuple(fc.array(segment, { maxLength: 3 }), fc.boolean())
    .map(([segments, isOpen]) => parsePathPattern(`/${[...segments, ...(isOpen ? ["**"] : [])].join("/")}`));
  const path = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 4 });

  it("that covers another admits what that one does; two that admit one path overlap", () => {
    fc.assert(
      fc.property(pattern, pattern, path, (left, right, segments) => {
        const [inLeft, inRight] = [matchesPath(left, segments), matchesPath(right, segments)];
        if (covers(left, right) && inRight) expect(inLeft).toBe(true);
        if (inLeft && inRight) expect(overlap(left, right)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
