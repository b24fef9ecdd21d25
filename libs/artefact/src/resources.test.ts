import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalResources } from "./index.ts";

const sha256Hex = "ab".repeat(32);
const named = (...paths: string[]) => paths.map((path) => ({ path, sha256Hex }));
const refusal = (code: string) => expect.objectContaining({ code });

describe("canonicalResources", () => {
  it("sorts by octets of UTF-8", () => {
    const paths = ["b", "a/b", "a-b", "ä", "a", "Z", "\u{1f600}", "\u{ffee}"].filter((path) => path !== "a");
    const sorted = canonicalResources(named(...paths)).map(({ path }) => path);
    expect(sorted).toEqual(["Z", "a-b", "a/b", "b", "ä", "\u{ffee}", "\u{1f600}"]);
  });

  it("is the order of Buffer.compare, whatever comes first", () => {
    const digits = fc.array(fc.integer({ min: 0, max: 0x10ffff }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.uniqueArray(digits, { minLength: 1, selector: (value) => value.join() }), (codes) => {
        const paths = codes.map((code) => `${code.join("-")}${String.fromCodePoint(...code.filter(isLetter))}`);
        const sorted = canonicalResources(named(...paths)).map(({ path }) => path);
        expect(sorted).toEqual(paths.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }),
    );
  });

  it("takes names that only look dangerous", () => {
    const paths = ["..a", "a..", ".hidden", "...", "a b", "-rf", "*", "#x", "a\nb", "a\rb", "ü/ö", "C", "ab:c"];
    expect(canonicalResources(named(...paths))).toHaveLength(paths.length);
  });

  it.each([
    ["an absolute path", "/etc/passwd"],
    ["a path upwards", "a/../b"],
    ["..", ".."],
    [".", "./a"],
    ["an empty part", "a//b"],
    ["a directory", "a/"],
    ["no name", ""],
    ["a path upwards for Windows", "a\\..\\b"],
    ["an absolute path for Windows", "\\a"],
    ["a drive", "C:a"],
    ["NUL", "a\0b"],
    ["an escape sequence of terminals", "a\u001b[2J"],
    ["DEL", "a\u007f"],
    ["C1", "a\u009b"],
    ["half a character", "a\ud800"],
    ["a part too long", `${"ä".repeat(128)}`],
    ["a path too long", "abcdefg/".repeat(600)],
  ])("refuses %s", (_, path) => {
    expect(() => canonicalResources(named("ok", path))).toThrow(refusal("NAME_MALFORMED"));
  });

  it.each([
    ["the same path", "a", "a"],
    ["upper and lower case", "Model.bin", "model.BIN"],
    ["upper and lower case beyond ASCII", "Ä", "ä"],
    ["ß and ss", "straße", "STRASSE"],
    ["composed and decomposed", "\u00e9", "e\u0301"],
    ["the Kelvin sign", "\u212a", "k"],
    ["a dot at the end", "run", "run."],
    ["dots and spaces at the end of a directory", "d/x", "d. ./y"],
    ["a space at the end, and case", "Config ", "config"],
    ["a directory in two spellings", "A/x", "a/y"],
    ["a directory in two compositions", "b/\u00e9/x", "b/e\u0301/y"],
    ["a file that is a directory", "a/b", "a"],
    ["a file that is a directory in another spelling", "A/b/c", "a/B"],
  ])("refuses %s", (_, one, other) => {
    expect(() => canonicalResources(named(one, other))).toThrow(refusal("NAME_MALFORMED"));
    expect(() => canonicalResources(named(other, one))).toThrow(refusal("NAME_MALFORMED"));
  });

  it("refuses what is no SHA-256, and nothing at all", () => {
    for (const text of ["", sha256Hex.toUpperCase(), sha256Hex.slice(1), `${sha256Hex}\n`]) {
      expect(() => canonicalResources([{ path: "a", sha256Hex: text }])).toThrow(refusal("REQUEST_MALFORMED"));
    }
    expect(() => canonicalResources([])).toThrow(refusal("REQUEST_MALFORMED"));
  });
});

const isLetter = (code: number): boolean => /[\p{Lo}\p{So}]/u.test(String.fromCodePoint(code));
