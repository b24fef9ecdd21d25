import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseStrictJson } from "./strict-json.ts";

const LIMITS = { maxOctets: 10_000, maxDepth: 4, code: "STATEMENT_MALFORMED", what: "it" } as const;
const parse = (text: string | Uint8Array) => parseStrictJson(Buffer.from(text), LIMITS);

describe("strict JSON", () => {
  it("is read as JSON is", () => {
    const limits = { ...LIMITS, maxOctets: 1_000_000, maxDepth: 1_000 };
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.nat(2), (text, indent) => {
        const pretty = JSON.stringify(JSON.parse(text), undefined, indent);
        expect(parseStrictJson(Buffer.from(pretty), limits)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("may have a name in several objects, and texts that look like structure", () => {
    const value = { a: [{ a: '{"a":1,"a":2}' }, { a: '\\"' }, { b: { a: "\\" } }], "": ["a", "a"] };
    expect(parse(JSON.stringify(value))).toEqual(value);
  });

  it.each([
    ["nothing", ""],
    ["a name twice", '{"a":1,"a":1}'],
    ["a name twice, once escaped", '{"a":1,"\\u0061":1}'],
    ["a name twice, with something between", '{"a":1,"b":[{"x":"}"}],"a":2}'],
    ["a name twice, deep", '[{"b":{"a":"\\\\","a":1}}]'],
    ["an empty name twice", '{"":1,"":1}'],
    ["__proto__ twice", '{"__proto__":1,"__proto__":1}'],
    ["too many levels", "[[[[[]]]]]"],
    ["very many levels", "[".repeat(9_000)],
    ["a trailing comma", '{"a":1,}'],
    ["a comment", '{"a":1}//'],
    ["two values", "{}{}"],
    ["an open text", '{"a'],
    ["a byte order mark", "\ufeff{}"],
    ["NaN", "[NaN]"],
  ])("is refused with %s", (_, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: "STATEMENT_MALFORMED" }));
  });

  it("is refused in another encoding, and when it is too long", () => {
    expect(() => parse(Buffer.from('"ö"', "latin1"))).toThrow(expect.objectContaining({ code: "STATEMENT_MALFORMED" }));
    expect(() => parse(" ".repeat(10_001))).toThrow(expect.objectContaining({ code: "REQUEST_TOO_LARGE" }));
  });
});
