import { describe, expect, it } from "vitest";
import { canonicalJson } from "./index.ts";

describe("canonicalJson", () => {
  it("sorts members as RFC 8785 section 3.2.3 has it", () => {
    const members = ["\u20ac", "\r", "\ufb33", "1", "\ud83d\ude00", "\u0080", "\u00f6"];
    const sorted = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\ud83d\ude00", "\ufb33"];
    const json = canonicalJson(Object.fromEntries(members.map((name) => [name, name])));
    expect(json).toBe(`{${sorted.map((name) => `${JSON.stringify(name)}:${JSON.stringify(name)}`).join(",")}}`);
  });

  it("writes nested values without white space and leaves out what is undefined", () => {
    const value = { b: [null, true, { d: "1", c: undefined, a: [] }], a: '\u2028\u000f\n"\\/' };
    expect(canonicalJson(value)).toBe('{"a":"\u2028\\u000f\\n\\"\\\\/","b":[null,true,{"a":[],"d":"1"}]}');
  });
});
