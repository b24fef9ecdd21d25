import { describe, expect, it } from "vitest";
import { isMediaType } from "./media-type.ts";

describe("isMediaType", () => {
  it.each([
    ["a/b", true],
    ["A/B ; q=1", true],
    ["a/bc", false],
    ["xa/b", false],
    ["", false],
  ])("%j", (text, expected) => expect(isMediaType(text, "a/b")).toBe(expected));
});
