import { describe, expect, it } from "vitest";
import { openssl } from "../test/openssl.ts";
import { buildName, encode, nameToText, parseName, TAG } from "./index.ts";

const hex = (text: string) => new Uint8Array(Buffer.from(text.replace(/\s/g, ""), "hex"));
const malformed = expect.objectContaining({ code: "DER_MALFORMED" });

describe("buildName", () => {
  it("encodes in the order given, each attribute in its string type", () => {
    const name = buildName([
      ["C", "DE"],
      ["O", "Vérité"],
      ["serialNumber", "42"],
      ["emailAddress", "pki@vcc.example"],
      ["CN", "argus"],
    ]);
    const listing = openssl(["asn1parse", "-inform", "DER", "-in", "name.der"], { "name.der": name.der });
    expect(listing.match(/(OBJECT|[A-Z0-9]+STRING) *:.*/g)?.map((line) => line.replace(/ +/, " "))).toEqual([
      "OBJECT :countryName",
      "PRINTABLESTRING :DE",
      "OBJECT :organizationName",
      "UTF8STRING :Vérité",
      "OBJECT :serialNumber",
      "PRINTABLESTRING :42",
      "OBJECT :emailAddress",
      "IA5STRING :pki@vcc.example",
      "OBJECT :commonName",
      "UTF8STRING :argus",
    ]);
  });

  it("makes the empty name of nothing", () => {
    expect(buildName([]).der).toEqual(hex("3000"));
    expect(nameToText(buildName([]))).toBe("");
  });

  it.each([
    ["CN", ""],
    ["CN", "x".repeat(65)],
    ["CN", "a\0b"],
    ["CN", "a\u0085b"],
    ["CN", "\ud800"],
    ["C", "Deutschland"],
    ["C", "de"],
    ["serialNumber", "4*2"],
    ["emailAddress", "jürgen@vcc.example"],
  ] as const)("refuses %s=%j", (type, value) => {
    expect(() => buildName([[type, value]])).toThrow(expect.objectContaining({ code: "NAME_MALFORMED" }));
  });

  it("counts characters, not octets", () => expect(buildName([["CN", "ü".repeat(64)]]).rdns).toHaveLength(1));
});

describe("parseName", () => {
  it("keeps the octets and reads every string type", () => {
    // CN as UTF8String, PrintableString, TeletexString (Latin-1), BMPString, UniversalString, IA5String.
    const values = ["0c02c3a9", "130161", "1401e9", "1e0200e9", "1c04000000e9", "160161"];
    const der = encode((writer) => {
      for (const value of values.toReversed()) {
        const end = writer.mark();
        writer.raw(hex(value));
        writer.oid("2.5.4.3");
        writer.wrap(TAG.SEQUENCE, end);
        writer.wrap(TAG.SET, end);
      }
      writer.wrap(TAG.SEQUENCE, 0);
    });
    const name = parseName(der);
    expect(name.der).toEqual(der);
    expect(name.rdns.flat().map(({ value }) => value)).toEqual(["é", "a", "é", "é", "é", "a"]);
  });

  it("keeps a value that is no string as it is", () => {
    const name = parseName(hex("300d310b3009 060355042d 030200a0"));
    expect(name.rdns[0]?.[0]).toMatchObject({ oid: "2.5.4.45", value: undefined });
    expect(nameToText(name)).toBe("2.5.4.45=#030200a0");
  });

  it.each([
    ["an empty RDN", "30023100"],
    ["a value in the wrong alphabet", "300c310a3008060355040313012a"],
    ["UTF-8 that is not", "300c310a300806035504030c01ff"],
    ["an overlong UTF-8 sequence", "300d310b300906035504030c02c080"],
    ["an odd BMPString", "300c310a300806035504031e0161"],
    ["a surrogate in a UniversalString", "300f310d300b06035504031c040000d800"],
    ["IA5String beyond ASCII", "300c310a300806035504031601e9"],
    ["an empty string", "300b3109300706035504030c00"],
    ["an attribute with two values", "300f310d300b06035504030c01610c0162"],
    ["trailing octets", "300000"],
    ["a multi-valued RDN out of order", "3016 3114 300806035504030c0162 300806035504030c0161"],
  ])("refuses %s", (_, der) => expect(() => parseName(hex(der))).toThrow(malformed));
});

describe("nameToText", () => {
  it.each([
    ["plain", "plain"],
    [" lead and trail ", "\\ lead and trail\\ "],
    [" ", "\\ "],
    ["#hash # inside", "\\#hash # inside"],
    ['a,b+c"d\\e<f>g;h', 'a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h'],
    ["ends with \\ ", "ends with \\\\\\ "],
    ["é", "é"],
  ])("escapes %j as OpenSSL does", (value, expected) => {
    const name = buildName([
      ["C", "DE"],
      ["CN", value],
    ]);
    expect(nameToText(name)).toBe(`CN=${expected},C=DE`);
  });

  it("writes control characters of foreign names as octets", () => {
    expect(nameToText(parseName(hex("300e310c300a06035504030c03610062")))).toBe("CN=a\\00b");
  });

  it("joins the attributes of one RDN with a plus sign", () => {
    expect(nameToText(parseName(hex("301a 3118 300806035504030c0161 300c060355040a0c056162636465")))).toBe(
      "CN=a+O=abcde",
    );
  });
});
