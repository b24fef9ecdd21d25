import { describe, expect, it } from "vitest";
import { makeCa, SERIAL } from "../../test/authority.ts";
import { rawExtension } from "../../test/crafted.ts";
import { opensslOutput } from "../../test/openssl.ts";
import {
  buildCertId,
  buildExtension,
  buildOcspRequest,
  CONSTRUCTED,
  constructedContext,
  type DerWriter,
  encode,
  issuerHashes,
  OID,
  ocspNonce,
  parseOcspRequest,
  pemEncode,
  primitiveContext,
  sha1KeyIdentifier,
  TAG,
} from "../index.ts";

const malformed = expect.objectContaining({ code: "DER_MALFORMED" });
const ca = makeCa();
const hashes = issuerHashes(ca.certificate);
const certId = buildCertId(hashes.sha256, SERIAL);
const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
const bytes = (length: number, value = 9) => new Uint8Array(length).fill(value);
const seq = (...values: Uint8Array[]) => wrapped(TAG.SEQUENCE, ...values);
const wrapped = (tag: number, ...values: Uint8Array[]) =>
  encode((writer) => {
    writer.rawAll(values);
    writer.wrap(tag, 0);
  });
const SHA1 = hex("300906052b0e03021a0500");

const NOCHECK_OID = "1.3.6.1.5.5.7.48.1.5";

/** An OCSPRequest about one certificate with these values around the parts that every request has. */
function request(parts: {
  before?: Uint8Array;
  id?: Uint8Array;
  single?: readonly Uint8Array[];
  extensions?: readonly Uint8Array[];
  signature?: Uint8Array;
}): Uint8Array {
  const { before = bytes(0), id = certId, single, extensions, signature = bytes(0) } = parts;
  const one = seq(id, single ? wrapped(constructedContext(0), seq(...single)) : bytes(0));
  const more = extensions ? wrapped(constructedContext(2), seq(...extensions)) : bytes(0);
  return seq(seq(before, seq(one), more), signature);
}

/** A nonce extension around a value as it is. */
const nonceOf = (write: (writer: DerWriter) => void) => buildExtension(OID.ocspNonce, false, write);
const nonceOctets = (length: number) => nonceOf((writer) => writer.octetString(bytes(length)));

describe("requests OpenSSL makes", () => {
  const files = { "ca.pem": pemEncode("CERTIFICATE", ca.certificate.der) };
  const make = (...options: string[]) =>
    opensslOutput(["ocsp", "-issuer", "ca.pem", ...options, "-reqout", "out"], files, "out");

  it("are read, with SHA-1 and a nonce", () => {
    const { certIds, nonce } = parseOcspRequest(make("-serial", "0x0102030405060708090a0b0c0d0e0f10"));
    expect(certIds).toHaveLength(1);
    expect(certIds[0]).toMatchObject({ hashAlgorithm: "sha1", serial: SERIAL, issuerKey: hashes.sha1.issuerKey });
    expect(certIds[0]?.issuerKeyHash).toEqual(sha1KeyIdentifier(ca.spkiDer));
    expect(certIds[0]?.matches(hashes, SERIAL)).toBe(true);
    expect(nonce).toHaveLength(16);
  });

  it("are what we make, octet by octet", () => {
    const serials = ["-serial", "1", "-serial", "0xfe"];
    const ours = (hash: "sha1" | "sha256") =>
      buildOcspRequest([1, 0xfe].map((n) => buildCertId(hashes[hash], Uint8Array.from(n < 128 ? [n] : [0, n]))));
    expect(make("-no_nonce", ...serials)).toEqual(ours("sha1"));
    expect(make("-no_nonce", "-sha256", ...serials)).toEqual(ours("sha256"));
  });

  it("may name the requestor and be signed", () => {
    const key = ca.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const signed = opensslOutput(
      ["ocsp", "-issuer", "ca.pem", "-serial", "1", "-signer", "ca.pem", "-signkey", "k.pem", "-reqout", "out"],
      { ...files, "k.pem": key },
      "out",
    );
    expect(signed.length).toBeGreaterThan(ca.certificate.der.length);
    expect(parseOcspRequest(signed).certIds[0]?.serialHex).toBe("01");
  });

  it("use hash algorithms under which we know nobody", () => {
    const [id] = parseOcspRequest(make("-sha384", "-serial", "1")).certIds;
    expect(id).toMatchObject({ hashAlgorithm: undefined, hashAlgorithmOid: "2.16.840.1.101.3.4.2.2", serialHex: "01" });
    expect(id?.issuerKey).toBeUndefined();
    expect(id?.matches(hashes, Uint8Array.of(1))).toBe(false);
  });
});

/** undefined for what is refused. */
function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    expect(error).toEqual(malformed);
    return undefined;
  }
}

describe("parseOcspRequest", () => {
  it("keeps each CertID as it came, with parameters NULL or absent", () => {
    const forms = (["sha1", "sha256"] as const).flatMap((hash) =>
      (["withNull", "absent"] as const).map((parameters) => buildCertId(hashes[hash], SERIAL, parameters)),
    );
    const { certIds, nonce } = parseOcspRequest(buildOcspRequest(forms));
    expect(certIds.map(({ der }) => der)).toEqual(forms);
    expect(certIds.map(({ hashAlgorithm }) => hashAlgorithm)).toEqual(["sha1", "sha1", "sha256", "sha256"]);
    expect(certIds.every((id) => id.matches(hashes, SERIAL))).toBe(true);
    expect(new Set(certIds.map(({ issuerKey }) => issuerKey))).toEqual(
      new Set([hashes.sha1.issuerKey, hashes.sha256.issuerKey]),
    );
    expect(nonce).toBeUndefined();
  });

  it.each([1, 32, 128])("reads a nonce of %d octets", (length) => {
    const nonce = bytes(length);
    expect(parseOcspRequest(buildOcspRequest([certId], nonce)).nonce).toEqual(nonce);
  });

  it.each([
    ["a critical nonce", { extensions: [buildExtension(OID.ocspNonce, true, (w) => w.octetString(bytes(8)))] }],
    ["an unknown extension", { extensions: [rawExtension("1.2.3", false, "0500")] }],
    ["preferred signature algorithms", { extensions: [rawExtension("1.3.6.1.5.5.7.48.1.8", false, "3000")] }],
    ["a serviceLocator", { single: [rawExtension("1.3.6.1.5.5.7.48.1.7", false, "3000")] }],
    ["a nonce about one certificate", { single: [ocspNonce(bytes(8))] }],
    ["a requestor's DNS name", { before: wrapped(constructedContext(1), hex("8203612e62")) }],
    ["an explicit name", { before: wrapped(constructedContext(1), wrapped(0xa4, ca.certificate.subject.der)) }],
    ["an unsigned certificate bag", { signature: wrapped(0xa0, seq(SHA1, hex("030200aa"), wrapped(0xa0, seq()))) }],
    ["another hash's length", { id: seq(seq(hex("06022a03")), hex("0401aa"), hex("0400"), hex("020101")) }],
  ])("takes %s", (_, parts) => expect(parseOcspRequest(request(parts)).certIds).toHaveLength(1));

  const nested = encode((writer) => Array.from({ length: 40 }, () => writer.wrap(TAG.SEQUENCE, 0)));
  const id = (...values: Uint8Array[]) => ({ id: seq(...values) });
  const MALFORMED: Record<string, Uint8Array> = {
    nothing: bytes(0),
    garbage: bytes(100, 0x5a),
    "a certificate": ca.certificate.der,
    "trailing octets": Uint8Array.from([...request({}), 0]),
    "trailing octets in the request": seq(seq(seq(seq(certId)), hex("0500"))),
    "an indefinite length": Uint8Array.from([0x30, 0x80, ...request({}).subarray(2), 0, 0]),
    "v1, which is the DEFAULT": request({ before: hex("a003020100") }),
    v2: request({ before: hex("a003020101") }),
    "no certificate": seq(seq(seq())),
    "101 certificates": buildOcspRequest(Array<Uint8Array>(101).fill(buildCertId(hashes.sha1, Uint8Array.of(1)))),
    "more than 10 KiB": request({ extensions: [rawExtension("1.2.3", false, "04".repeat(10_240))] }),
    "deep nesting": request(id(seq(hex("06022a03"), nested), hex("0400"), hex("0400"), hex("020101"))),
    "deep nesting in the signature": request({
      signature: wrapped(0xa0, seq(SHA1, hex("030200aa"), wrapped(0xa0, seq(nested)))),
    }),
    "a nonce of 0 octets": request({ extensions: [nonceOctets(0)] }),
    "a nonce of 129 octets": request({ extensions: [nonceOctets(129)] }),
    "a nonce wrapped once": request({ extensions: [rawExtension(OID.ocspNonce, false, "aabbcc")] }),
    "a nonce with something behind it": request({ extensions: [rawExtension(OID.ocspNonce, false, "0401aa00")] }),
    "a constructed nonce": request({ extensions: [rawExtension(OID.ocspNonce, false, "24030401aa")] }),
    "two nonces": request({ extensions: [nonceOctets(8), nonceOctets(8)] }),
    "an unknown extension twice": request({
      extensions: [rawExtension("1.2.3", false, "0500"), rawExtension("1.2.3", false, "0500")],
    }),
    "no extensions where there is a field for them": request({ extensions: [] }),
    "a critical unknown extension": request({ extensions: [rawExtension(NOCHECK_OID, true, "0500")] }),
    "a critical extension of one certificate": request({ single: [rawExtension("1.2.3", true, "0500")] }),
    "critical FALSE encoded": request({ extensions: [seq(hex("06022a03"), hex("010100"), hex("0400"))] }),
    "SHA-1 of another length": request(id(SHA1, hex("0401aa"), hex("0401aa"), hex("020101"))),
    "a negative serial number": request(id(SHA1, hex(`0414${"aa".repeat(20)}`.repeat(2)), hex("0201ff"))),
    "a serial number of 21 octets": request(
      id(SHA1, hex(`0414${"aa".repeat(20)}`.repeat(2)), hex(`0215${"01".repeat(21)}`)),
    ),
    "a serial number that is not minimal": request(id(SHA1, hex(`0414${"aa".repeat(20)}`.repeat(2)), hex("02020001"))),
    "two requestor names": request({ before: wrapped(constructedContext(1), hex("820161820162")) }),
    "no requestor name in its field": request({ before: wrapped(constructedContext(1)) }),
    "a requestor of no form": request({ before: wrapped(constructedContext(1), hex("0500")) }),
    "a signature that is none": request({ signature: wrapped(CONSTRUCTED | primitiveContext(0), hex("0500")) }),
  };

  it.each(Object.entries(MALFORMED))("refuses %s", (_, der) => expect(() => parseOcspRequest(der)).toThrow(malformed));

  it("refuses every cut", () => {
    const der = buildOcspRequest([certId, certId], bytes(32));
    for (let length = 0; length < der.length; length++) {
      expect(() => parseOcspRequest(der.subarray(0, length))).toThrow(malformed);
    }
  });

  it("refuses any octet changed, or reads exactly what is then there", () => {
    const der = buildOcspRequest([certId, buildCertId(hashes.sha1, SERIAL)], bytes(32));
    for (let offset = 0; offset < der.length; offset++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = der.with(offset, (der[offset] as number) ^ (1 << bit));
        const read = attempt(() => parseOcspRequest(changed));
        // Without the nonce it is an extension of another name, which is passed over.
        if (read?.nonce === undefined) continue;
        const again = buildOcspRequest(
          read.certIds.map((id) => id.der),
          read.nonce,
        );
        expect(again).toEqual(changed);
      }
    }
  });

  it("lets the caller set another size", () => {
    const der = request({});
    expect(() => parseOcspRequest(der, der.length)).not.toThrow();
    expect(() => parseOcspRequest(der, der.length - 1)).toThrow(malformed);
  });
});

describe("buildOcspRequest", () => {
  it("does not ask about nothing, nor with a nonce that servers refuse", () => {
    expect(() => buildOcspRequest([])).toThrow(RangeError);
    expect(() => buildOcspRequest([certId], bytes(0))).toThrow(RangeError);
    expect(() => buildOcspRequest([certId], bytes(129))).toThrow(RangeError);
  });
});
