import { isNotModified } from "@vcc-pki/service";
import { describe, expect, it } from "vitest";
import { decodeQuestion, parseAddress } from "./question.ts";

describe("parseAddress", () => {
  it.each([
    ["", undefined, ""],
    ["/", undefined, ""],
    ["/MFEw", undefined, "MFEw"],
    ["/MF/Ew", undefined, "MF/Ew"],
    ["/vcc-services-ca", "vcc-services-ca", ""],
    ["/vcc-services-ca/", "vcc-services-ca", ""],
    ["/vcc-services-ca/MF/Ew", "vcc-services-ca", "MF/Ew"],
    ["//vcc-services-ca//MFEw", "vcc-services-ca", "MFEw"],
    ["/%4DFEw", undefined, "%4DFEw"],
  ])("%j", (path, authorityId, rest) => expect(parseAddress(path)).toEqual({ authorityId, rest }));
});

describe("decodeQuestion", () => {
  it.each([
    ["+/8=", "fbff"],
    ["%2B%2F8%3D", "fbff"],
    ["%252B%252f8%253D", "fbff"],
    ["%20/8", "fbff"],
    ["//+/8", "fbff"],
  ])("%j", (text, hex) => expect(decodeQuestion(text)?.toString("hex")).toBe(hex));

  it.each(["", "%", "%zz", "a b=c", "M===", "M\u0000", "%25252B"])("refuses %j", (text) =>
    expect(decodeQuestion(text)).toBeUndefined(),
  );
});

describe("isNotModified", () => {
  const validators = { etag: '"x"', lastModifiedMs: Date.parse("2026-11-01T00:00:00.500Z") };
  it.each([
    [{}, false],
    [{ "if-none-match": "*" }, true],
    [{ "if-none-match": '"y", "x"' }, true],
    [{ "if-none-match": '"y"', "if-modified-since": "Sun, 01 Nov 2026 00:00:00 GMT" }, false],
    [{ "if-modified-since": "Sun, 01 Nov 2026 00:00:00 GMT" }, true],
    [{ "if-modified-since": "Sat, 31 Oct 2026 23:59:59 GMT" }, false],
  ])("%j: %j", (headers, expected) => expect(isNotModified(headers, validators)).toBe(expected));
});
