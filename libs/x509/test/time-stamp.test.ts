import { createHash, randomBytes } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { describe, expect, it } from "vitest";
import {
  buildTimeStampReq,
  HASH_ALGORITHMS,
  type HashAlgorithm,
  imprintData,
  parseCertificate,
  parseTimeStampReq,
  parseTimeStampResp,
  parseTimeStampToken,
  pemEncode,
  TIME_STAMP_CHECKS,
  type TrustCheck,
  timeStampResp,
  toHex,
  verifyTimeStampToken,
} from "../src/index.ts";
import { leafTbs, makeCa } from "./authority.ts";
import { type Files, openssl, opensslOutput } from "./openssl.ts";
import { GEN_TIME, makeUnit, TEST_POLICY, type TestUnit, type UnitOptions } from "./time-stamping-unit.ts";

const DATA = Buffer.from("what was there at this time");
const NONCE = Uint8Array.of(0x12, ...randomBytes(9));
const trusted = () => [{ name: "trust", ok: true }];
const pem = (der: Uint8Array) => pemEncode("CERTIFICATE", der);
const AT = ["-attime", String(Math.floor(GEN_TIME.getTime() / 1_000))];

const UNITS: [string, UnitOptions][] = [
  ["P-256", {}],
  ["P-384", { keyAlgorithm: "ec-p384" }],
  ["P-521", { keyAlgorithm: "ec-p521" }],
  ["brainpool P-256", { keyAlgorithm: "ec-brainpoolp256r1" }],
  ["RSA-PSS", { keyAlgorithm: "rsa-3072", signatureAlgorithm: "rsa-pss-sha256" }],
  ["RSA PKCS#1 with SHA-512", { keyAlgorithm: "rsa-3072", signatureAlgorithm: "rsa-pkcs1-sha512" }],
];
const HASHES = Object.keys(HASH_ALGORITHMS) as HashAlgorithm[];

describe.each(UNITS)("a token by a unit with a key for %s", (_, options) => {
  const unit = makeUnit(options);
  // `openssl ts` verifies by PKCS #7, which has no PSS; `openssl cms` does, but does not look at what was stamped.
  const isPss = options.signatureAlgorithm?.startsWith("rsa-pss") ?? false;
  const judge = (args: string[], given: Files): string => {
    const cms = ["cms", "-verify", "-inform", "der", "-in", "token", "-binary", "-purpose", "any", "-out", "content"];
    const trust = ["-CAfile", "root.pem", ...AT];
    if (!isPss) return openssl(["ts", "-verify", ...args, ...trust], given);
    const certificates = args.includes("-untrusted") ? ["-certfile", "unit.pem"] : [];
    return `OK: ${openssl([...cms, ...certificates, ...trust], given)}`;
  };
  const files = { "root.pem": pem(unit.ca.certificate.der), "unit.pem": pem(unit.certificate.der), data: DATA };

  it.each(HASHES)("over a digest of %s is accepted by OpenSSL and by us", (hash) => {
    const messageImprint = imprintData(hash, DATA);
    const request = buildTimeStampReq({ messageImprint, nonce: NONCE, certReq: true, reqPolicy: TEST_POLICY });
    const token = unit.stamp({ ...parseTimeStampReq(request) });
    const response = timeStampResp.granted(token);
    expect(toHex(parseTimeStampResp(response).tokenDer ?? new Uint8Array())).toBe(toHex(token));
    const verified = verifyTimeStampToken(token, {
      messageImprint,
      nonce: NONCE,
      policies: [TEST_POLICY],
      trust: trusted,
    });
    expect(verified.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(verified.checks.map(({ name }) => name)).toEqual([...TIME_STAMP_CHECKS, "trust"]);
    expect(verified).toMatchObject({ ok: true, tstInfo: { genTime: GEN_TIME, policy: TEST_POLICY } });
    expect(judge(["-in", "response", "-queryfile", "request"], { ...files, response, request, token })).toContain("OK");
  });

  it("without certificates is verified with the unit's at hand", () => {
    const messageImprint = imprintData("sha256", DATA);
    const token = unit.stamp({ messageImprint, certReq: false });
    expect(parseTimeStampToken(token).signedData.certificates).toEqual([]);
    const question = { messageImprint, trust: trusted };
    expect(verifyTimeStampToken(token, question).checks.find(({ ok }) => !ok)?.name).toBe("signer-certificate");
    expect(verifyTimeStampToken(token, { ...question, certificates: [unit.certificate] }).ok).toBe(true);
    const args = ["-in", "token", "-token_in", "-data", "data", "-untrusted", "unit.pem"];
    expect(judge(args, { ...files, token })).toContain("OK");
  });
});

describe("a token by `openssl ts -reply`", () => {
  const CONFIG = (signerDigest: string, ess: string) => `
[tsa]
default_tsa = t
[t]
serial = ./serial
crypto_device = builtin
signer_digest = ${signerDigest}
default_policy = ${TEST_POLICY}
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500
clock_precision_digits = 3
ordering = yes
tsa_name = yes
ess_cert_id_chain = yes
ess_cert_id_alg = ${ess}
`;
  const stampedBy = (unit: TestUnit, hash: HashAlgorithm, signerDigest: string, ess: string) => {
    const files = {
      config: CONFIG(signerDigest, ess),
      serial: "0123\n",
      "unit.pem": pem(unit.certificate.der),
      "root.pem": pem(unit.ca.certificate.der),
      "key.pem": unit.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      request: buildTimeStampReq({ messageImprint: imprintData(hash, DATA), nonce: NONCE, certReq: true }),
    };
    const args = ["ts", "-reply", "-config", "config", "-section", "t", "-queryfile", "request", "-out", "response"];
    const chain = ["-signer", "unit.pem", "-inkey", "key.pem", "-chain", "root.pem"];
    return parseTimeStampResp(opensslOutput([...args, ...chain], files, "response")).tokenDer as Uint8Array;
  };

  it.each<[UnitOptions, HashAlgorithm, string, string]>([
    [{}, "sha256", "sha256", "sha256"],
    [{}, "sha512", "sha256", "sha1"],
    [{}, "sha384", "sha256", "sha384"],
    [{ keyAlgorithm: "ec-p384" }, "sha384", "sha384", "sha256"],
    [{ keyAlgorithm: "rsa-3072" }, "sha512", "sha512", "sha512"],
  ])(
    "%o over %s, signed with %s, certificate named by %s, is verified by us, and not when it is spoilt",
    (options, hash, signerDigest, ess) => {
      // It signs with the clock of this machine.
      const now = Date.now();
      const dates = { notBefore: new Date(now - 86_400_000), notAfter: new Date(now + 86_400_000) };
      const unit = makeUnit({ ...options, certificate: dates });
      const token = stampedBy(unit, hash, signerDigest, ess);
      const question = { messageImprint: imprintData(hash, DATA), nonce: NONCE, trust: trusted };
      const verified = verifyTimeStampToken(token, question);
      expect(verified.checks.filter(({ ok }) => !ok)).toEqual([]);
      // Spoilt anywhere it is not. Its root comes along, and nobody needs that.
      const root = Buffer.from(token).indexOf(unit.ca.certificate.der);
      for (let at = 0; at < token.length; at += 5) {
        if (at >= root && at < root + unit.ca.certificate.der.length) continue;
        const spoilt = token.with(at, (token[at] as number) ^ 1);
        expect(verifyTimeStampToken(spoilt, question).ok, `octet ${at}`).toBe(false);
      }
      expect(verified.tstInfo).toMatchObject({ ordering: true, accuracy: { seconds: 1, millis: 500, micros: 0 } });
      expect(toHex(verified.signer?.der ?? new Uint8Array())).toBe(toHex(unit.certificate.der));
    },
  );
});

describe("trust", () => {
  it("is asked about the signer at the time of the token, and its answer counts", () => {
    const unit = makeUnit({ template: { chain: [makeCa("Somebody").certificate] } });
    const messageImprint = imprintData("sha256", DATA);
    const asked: unknown[] = [];
    const { ok, checks } = verifyTimeStampToken(unit.stamp({ messageImprint }), {
      messageImprint,
      trust: (signer, others, at) => {
        asked.push(toHex(signer.der) === toHex(unit.certificate.der), others.length, at);
        return [{ name: "chain", ok: false, reason: "unknown root" }];
      },
    });
    expect(asked).toEqual([true, 1, GEN_TIME]);
    expect(ok).toBe(false);
    expect(checks.at(-1)).toEqual({ name: "chain", ok: false, reason: "unknown root" });
  });
});

describe("trust that is not given", () => {
  const unit = makeUnit();
  const messageImprint = imprintData("sha256", DATA);
  const failedChecks = (trust: TrustCheck) =>
    verifyTimeStampToken(unit.stamp({ messageImprint }), { messageImprint, trust }).checks.filter(({ ok }) => !ok);

  it("is none: nothing that was looked at", () => {
    const reason = "nothing vouches for the signer";
    expect(failedChecks(() => [])).toEqual([{ name: "trust", ok: false, reason }]);
  });

  it("is none: an error, which goes no further", () => {
    const fail = () => {
      throw new PkiError("DER_MALFORMED", "a list is malformed");
    };
    expect(failedChecks(fail)).toEqual([{ name: "trust", ok: false, reason: "a list is malformed" }]);
  });
});

describe("a token by a unit with an Ed25519 key", () => {
  // RFC 8419: SHA-512 for content and attributes. OpenSSL 3.0 has no Ed25519 in CMS, neither in `ts` nor in `cms`: no second opinion here.
  const unit = makeUnit({ keyAlgorithm: "ed25519" });
  const messageImprint = imprintData("sha256", DATA);
  const token = unit.stamp({ messageImprint });

  it("is accepted by us", () => {
    const { checks } = verifyTimeStampToken(token, { messageImprint, trust: trusted });
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  });

  it("is refused with another octet in the signature", () => {
    const changed = token.with(token.length - 1, (token.at(-1) as number) ^ 1);
    const { checks } = verifyTimeStampToken(changed, { messageImprint, trust: trusted });
    expect(checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(["signature"]);
  });
});

describe("two certificates of one name and serial number", () => {
  it("are one too many", () => {
    const unit = makeUnit();
    const other = parseCertificate(unit.ca.sign(leafTbs(unit.ca, { serial: unit.certificate.serial })));
    const messageImprint = imprintData("sha256", DATA);
    const question = { messageImprint, trust: trusted, certificates: [other] };
    const failed = verifyTimeStampToken(unit.stamp({ messageImprint }), question).checks.find(({ ok }) => !ok);
    expect(failed?.name).toBe("signer-certificate");
    const again = { ...question, certificates: [parseCertificate(unit.certificate.der)] };
    expect(verifyTimeStampToken(unit.stamp({ messageImprint }), again).ok).toBe(true);
  });
});

it("the digest of what is stamped may come from anywhere", () => {
  const digest = createHash("sha384").update(DATA).digest();
  const unit = makeUnit();
  const token = unit.stamp({ messageImprint: imprintData("sha384", DATA) });
  expect(verifyTimeStampToken(token, { messageImprint: { hash: "sha384", digest }, trust: trusted }).ok).toBe(true);
});
