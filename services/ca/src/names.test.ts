import { describe, expect, it } from "vitest";
import {
  compilePattern,
  isAllowedName,
  isInNetworks,
  type NameScope,
  namesOverlap,
  type RequestedNames,
  requireCounts,
  requireOwnership,
  requireSyntax,
} from "./names.ts";

const none: RequestedNames = { dns: [], ip: [], uri: [], email: [], otherCount: 0 };
const dns = (...names: string[]): RequestedNames => ({ ...none, dns: names });
const scope: NameScope = {
  trustDomain: "vcc.internal",
  organisation: "brandenburg",
  allowedNames: ["*.vcc.internal", "portal.example.org"],
  allowedNetworks: ["10.1.0.0/16", "2001:db8::/32"],
};
const dnsRule = { minimum: 0, maximum: 100, wildcards: false, internationalised: false };
const SERVICE_PATTERN = "$" + "{service_name}.vcc.internal";
const rules = { dns: dnsRule, ip: { maximum: 10 }, uri: { kind: "workload", required: false } } as const;
const code = (expected: string) => expect.objectContaining({ code: expected });

describe("how many names", () => {
  it.each<[string, RequestedNames]>([
    ["none", none],
    ["10,000", dns(...Array.from({ length: 10_000 }, (_, i) => `s${i}.vcc.internal`))],
    ["an otherName", { ...dns("a.vcc.internal"), otherCount: 1 }],
    [
      "two SPIFFE ids",
      {
        ...none,
        uri: ["spiffe://vcc.internal/org/brandenburg/service/a", "spiffe://vcc.internal/org/brandenburg/service/b"],
      },
    ],
    ["a kind the profile does not know", { ...none, email: ["a@vcc.internal"] }],
  ])("refuses %s", (_, names) => {
    expect(() => requireCounts(names, rules)).toThrow(code("NAME_NOT_ALLOWED"));
  });

  it("refuses a name that comes twice", () => {
    expect(() => requireCounts(dns("a.vcc.internal", "a.vcc.internal"), rules)).toThrow(code("NAME_MALFORMED"));
  });

  it("refuses too few", () => {
    expect(() => requireCounts(dns("a.b"), { dns: { ...dnsRule, minimum: 2 } })).toThrow(code("NAME_NOT_ALLOWED"));
    expect(() => requireCounts(dns("a.b"), { ...rules, uri: { kind: "admin", required: true } })).toThrow(
      code("NAME_NOT_ALLOWED"),
    );
  });
});

describe("what names look like", () => {
  it.each([
    "10.1.2.3",
    "argus.vcc.internal.",
    "a\0.vcc.internal",
    "-a.vcc.internal",
    "a b.vcc.internal",
    "*.*.vcc.internal",
    "a.*.vcc.internal",
    "",
  ])("refuses the DNS name %j", (name) =>
    expect(() => requireSyntax(dns(name), rules)).toThrow(code("NAME_MALFORMED")),
  );

  it.each(["*.vcc.internal", "xn--mnchen-3ya.vcc.internal"])("refuses %s unless the profile admits it", (name) => {
    expect(() => requireSyntax(dns(name), rules)).toThrow(code("NAME_NOT_ALLOWED"));
    requireSyntax(dns(name), { dns: { ...dnsRule, wildcards: true, internationalised: true } });
  });

  it("refuses a look-alike even where the profile admits xn--", () => {
    const cyrillicApple = "xn--80ak6aa92e.vcc.internal"; // "apple" in Cyrillic letters
    const open = { dns: { ...dnsRule, internationalised: true } };
    expect(() => requireSyntax(dns(cyrillicApple), open)).toThrow(code("NAME_MALFORMED"));
  });
});

describe("whose names they are", () => {
  it.each(["argus.vcc.internal", "api.argus.vcc.internal", "portal.example.org"])("admits %s", (name) => {
    requireOwnership(dns(name), rules, scope);
  });

  it.each(["vcc.internal", "argus.vcc.internal.evil.example", "evilvcc.internal", "www.portal.example.org"])(
    "refuses %s",
    (name) => {
      expect(() => requireOwnership(dns(name), rules, scope)).toThrow(code("NAME_NOT_ALLOWED"));
    },
  );

  it.each(["10.1.255.1", "2001:db8::1"])("admits the address %s", (ip) => {
    requireOwnership({ ...none, ip: [ip] }, rules, scope);
  });

  it.each(["10.2.0.1", "2001:db9::1", "127.0.0.1"])("refuses the address %s", (ip) => {
    expect(() => requireOwnership({ ...none, ip: [ip] }, rules, scope)).toThrow(code("NAME_NOT_ALLOWED"));
  });

  it.each([
    "spiffe://vcc.internal/org/bayern/service/argus",
    "spiffe://other.example/org/brandenburg/service/argus",
    "spiffe://vcc.internal/org/brandenburg/admin/argus",
    "spiffe://vcc.internal/org/brandenburg/service/argus/x",
    "spiffe://vcc.internal/org/brandenburg/service/",
    "spiffe://vcc.internal/pki/ca",
    "https://vcc.internal/org/brandenburg/service/argus",
  ])("refuses the URI %s", (uri) => {
    expect(() => requireOwnership({ ...none, uri: [uri] }, rules, scope)).toThrow(code("NAME_NOT_ALLOWED"));
  });

  it("gives a suite service its own id and its configured names, nothing else", () => {
    const suite = { uri: "spiffe://vcc.internal/pki/gateway", dns: ["localhost"], ip: ["127.0.0.1"] };
    const platform = { ...rules, uri: { kind: "suite", required: true } } as const;
    const own = { ...none, uri: [suite.uri], dns: ["localhost"], ip: ["127.0.0.1"] };
    requireOwnership(own, platform, { ...scope, suite });
    for (const wrong of [
      { uri: ["spiffe://vcc.internal/pki/ca"] },
      { dns: ["argus.vcc.internal"] },
      { ip: ["10.1.0.1"] },
    ]) {
      expect(() => requireOwnership({ ...own, ...wrong }, platform, { ...scope, suite })).toThrow(
        code("NAME_NOT_ALLOWED"),
      );
    }
  });

  it("keeps pattern and SPIFFE id on the same service", () => {
    const template = { dns: { ...dnsRule, patterns: [SERVICE_PATTERN] }, uri: rules.uri };
    const uri = ["spiffe://vcc.internal/org/brandenburg/service/argus"];
    requireOwnership({ ...dns("argus.vcc.internal"), uri }, template, scope);
    requireOwnership(dns("clara.vcc.internal"), template, scope);
    expect(() => requireOwnership({ ...dns("clara.vcc.internal"), uri }, template, scope)).toThrow(
      code("NAME_NOT_ALLOWED"),
    );
    expect(() => requireOwnership(dns("a.b.vcc.internal"), template, scope)).toThrow(code("NAME_NOT_ALLOWED"));
  });
});

describe("the rules' parts", () => {
  it("place a wildcard where its base lies", () => {
    expect(isAllowedName("*.vcc.internal", ["*.vcc.internal"])).toBe(true);
    expect(isAllowedName("*.a.vcc.internal", ["*.vcc.internal"])).toBe(true);
    expect(isAllowedName("*.internal", ["*.vcc.internal"])).toBe(false);
    expect(isAllowedName("*.example.org", ["example.org"])).toBe(false);
  });

  it("match networks of both families", () => {
    expect(isInNetworks("10.1.2.3", ["0.0.0.0/0"])).toBe(true);
    expect(isInNetworks("10.1.2.3", ["::/0"])).toBe(false);
    expect(isInNetworks("10.1.2.3", ["10.1.2.3/32"])).toBe(true);
  });

  it("treat dots as dots", () => {
    expect(compilePattern(SERVICE_PATTERN).test("argusXvcc.internal")).toBe(false);
    expect(() => compilePattern("a*.vcc.internal")).toThrow(code("CONFIG_INVALID"));
  });

  it.each<[string[], string[], boolean]>([
    [["*.vcc.internal"], ["argus.vcc.internal"], true],
    [["*.vcc.internal"], ["*.a.vcc.internal"], true],
    [["*.vcc.internal"], ["*.vcc.internal"], true],
    [["*.vcc.internal"], ["vcc.internal"], false],
    [["*.vcc.internal"], ["*.vcc.local", "evilvcc.internal"], false],
    [["a.example"], ["a.example"], true],
  ])("see whether %j and %j overlap", (left, right, expected) => {
    expect(namesOverlap(left, right)).toBe(expected);
    expect(namesOverlap(right, left)).toBe(expected);
  });
});
