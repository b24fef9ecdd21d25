import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isValidDnsName } from "./dns.ts";
import { isMailbox } from "./email.ts";
import { formatIpAddress, parseIpAddress, parseIpRange } from "./ip.ts";
import { isAbsoluteUri } from "./uri.ts";

const malformed = expect.objectContaining({ code: "NAME_MALFORMED" });

describe("DNS names", () => {
  it.each([
    "localhost",
    "a.b",
    "argus.vcc.internal",
    "A-1.vcc.local",
    "xn--mnchen-3ya.de",
    "1a.2b",
    `${"a".repeat(63)}.de`,
  ])("takes %s", (name) => expect(isValidDnsName(name)).toBe(true));

  it.each([
    ["empty", ""],
    ["a trailing dot", "a.b."],
    ["a leading dot", ".a.b"],
    ["an empty label", "a..b"],
    ["a label of 64", `${"a".repeat(64)}.de`],
    ["more than 253 octets", `${"a.".repeat(127)}de`],
    ["a leading hyphen", "-a.b"],
    ["a trailing hyphen", "a-.b"],
    ["an underscore", "a_b.c"],
    ["a blank", "a b.c"],
    ["NUL", "a\0.b"],
    ["a line feed", "a.b\n"],
    ["umlauts", "münchen.de"],
    ["an IPv4 address", "192.0.2.1"],
    ["an IPv4 address of sorts", "0x7f.1"],
    ["a number", "2130706433"],
    ["an IPv6 address", "::1"],
    ["a wildcard where none is expected", "*.a.b"],
    ["reserved hyphens", "ab--cd.de"],
    ["an A-label that is none", "xn--a.de"],
    ["an A-label of ASCII alone", "xn--abc-.de"],
    ["Latin mixed with Cyrillic", "xn--pypal-4ve.com"],
    ["Cyrillic that looks like apple", "xn--80ak6aa92e.com"],
  ])("refuses %s", (_, name) => expect(isValidDnsName(name)).toBe(false));

  it("takes honest names of other scripts", () => {
    expect(isValidDnsName("xn--80ajghhoc2aj1c8b.xn--p1ai")).toBe(true); // президент… .рф
    expect(isValidDnsName("xn--fiqs8s")).toBe(true);
  });

  it.each([
    ["*.vcc.internal", true],
    ["*.a.b.c", true],
    ["*.internal", false],
    ["*", false],
    ["*.*.a.b", false],
    ["a.*.b.c", false],
    ["a*.b.c", false],
    ["*.192.0.2.1", false],
  ])("as wildcard: %s %s", (name, expected) => expect(isValidDnsName(name, { wildcard: true })).toBe(expected));
});

describe("IP addresses", () => {
  it.each([
    ["192.0.2.1", "c0000201"],
    ["::", "0".repeat(32)],
    ["::1", "1".padStart(32, "0")],
    ["2001:db8::1:0:0:1", "20010db8000000000001000000000001"],
    ["fe80:0:0:1::", "fe800000000000010000000000000000"],
  ])("%s is %s", (text, hex) => {
    expect(Buffer.from(parseIpAddress(text)).toString("hex")).toBe(hex);
    expect(formatIpAddress(new Uint8Array(Buffer.from(hex, "hex")))).toBe(text);
  });

  it("reads what it writes, and Node agrees that it is an address", () => {
    const octet = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat(255));
    const address = fc.oneof(
      fc.array(octet, { minLength: 4, maxLength: 4 }),
      fc.array(octet, { minLength: 16, maxLength: 16 }),
    );
    fc.assert(
      fc.property(address, (octets) => {
        const text = formatIpAddress(Uint8Array.from(octets));
        expect(isIP(text)).toBe(octets.length === 4 ? 4 : 6);
        expect([...parseIpAddress(text)]).toEqual(octets);
        if (octets.length === 16) expect(text).toBe(new URL(`http://[${text}]/`).hostname.slice(1, -1));
      }),
    );
  });

  it.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4 ",
    "1:2:3:4:5:6:7",
    "1::2::3",
    ":::",
    "1:2:3:4:5:6:7:8:9",
    "::12345",
    "::g",
    "fe80::1%eth0",
    "1:2:3:4:5:6:7:8::",
  ])("refuses %j", (text) => expect(() => parseIpAddress(text)).toThrow(malformed));

  it.each([
    ["10.0.0.0/8", "0a000000ff000000"],
    ["0.0.0.0/0", "0000000000000000"],
    ["192.0.2.128/25", "c0000280ffffff80"],
    ["192.0.2.1/32", "c0000201ffffffff"],
    ["2001:db8::/32", `20010db8${"0".repeat(24)}ffffffff${"0".repeat(24)}`],
  ])("range %s is %s", (text, hex) => expect(Buffer.from(parseIpRange(text)).toString("hex")).toBe(hex));

  it.each(["10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "2001:db8::1/32"])(
    "refuses range %j",
    (text) => expect(() => parseIpRange(text)).toThrow(malformed),
  );
});

describe("URIs", () => {
  it.each([
    "spiffe://vcc.internal/pki/ca",
    "http://crl.vcc.internal/a.crl?x=%20",
    "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "https://[2001:db8::1]:8443/",
  ])("takes %s", (uri) => expect(isAbsoluteUri(uri)).toBe(true));

  it.each([
    "",
    "argus",
    "//host/path",
    "http:",
    "http:path",
    "http://",
    "spiffe://",
    "http://user@host/",
    "http://host/a b",
    "http://host/%zz",
    "http://host/ü",
    "http://host/\n",
    "1http://host",
    "http://:80/",
  ])("refuses %j", (uri) => expect(isAbsoluteUri(uri)).toBe(false));
});

describe("mailboxes", () => {
  it.each(["a@b.de", "first.last+tag@vcc.example"])("takes %s", (text) => expect(isMailbox(text)).toBe(true));

  it.each([
    "",
    "a",
    "@b.de",
    "a@",
    "a@b@c.de",
    ".a@b.de",
    "a..b@c.de",
    '"a b"@c.de',
    "a@[192.0.2.1]",
    "ü@b.de",
    "a@b.de\0",
    `${"a".repeat(65)}@b.de`,
  ])("refuses %j", (text) => expect(isMailbox(text)).toBe(false));
});
