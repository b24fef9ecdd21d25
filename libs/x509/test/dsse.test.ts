import { describe, expect, it } from "vitest";
import {
  buildPae,
  type Certificate,
  DSSE_CHECKS,
  DSSE_CHECKS_AT,
  type DsseEnvelope,
  type DsseQuestion,
  imprintData,
  type KeyAlgorithmId,
  OID,
  parseCertificate,
  parsePae,
  trustAnchors,
  verifyDsseSignature,
  verifyDsseSignatureAt,
} from "../src/index.ts";
import { makeCa, NOT_AFTER } from "./authority.ts";
import { makeCodeSigner } from "./code-signer.ts";
import type { TestSigner } from "./signer.ts";
import { GEN_TIME, makeUnit } from "./time-stamping-unit.ts";

const TYPE = "application/vnd.example+json";
const signer = makeCodeSigner({ certificate: { notAfter: NOT_AFTER } });
const stranger = makeCodeSigner();
const unit = makeUnit({ certificate: { notAfter: NOT_AFTER } });
const foreignUnit = makeUnit();
const chain = [signer.certificate, signer.ca.certificate];

const envelopeBy = (by: TestSigner, payload = Buffer.from("{}"), payloadType = TYPE): DsseEnvelope => ({
  payloadType,
  payload,
  signatures: [by.signOctets(buildPae({ payloadType, payload }))],
});
const stampOf = ({ signatures: [signature = new Uint8Array()] }: DsseEnvelope, by = unit) =>
  by.stamp({ messageImprint: imprintData("sha256", signature) });
const sound = envelopeBy(signer);
const questionAbout = (envelope: DsseEnvelope, by = signer): DsseQuestion => ({
  payloadType: TYPE,
  certificates: [by.certificate, by.ca.certificate],
  timeStamps: [stampOf(envelope)],
  trust: trustAnchors({ anchors: [by.ca.certificate], purpose: OID.codeSigning }),
  timeStamp: { trust: trustAnchors({ anchors: [unit.ca.certificate] }) },
});
const question = questionAbout(sound);
const firstFailure = (envelope: DsseEnvelope, asked: Partial<DsseQuestion> = {}) =>
  verifyDsseSignature(envelope, { ...question, ...asked }).checks.find(({ ok }) => !ok)?.name ?? "none";
const flipped = (octets: Uint8Array) => octets.with(octets.length - 1, (octets.at(-1) as number) ^ 1);
const flippedCertificate = ({ der }: Certificate) => parseCertificate(flipped(der));
const [signature = new Uint8Array()] = sound.signatures;

describe("a DSSE envelope", () => {
  it.each<KeyAlgorithmId>(["ec-p256", "ec-p384", "ec-p521", "rsa-3072", "ed25519"])(
    "by %s is accepted",
    (algorithm) => {
      const by = makeCodeSigner({ keyAlgorithm: algorithm, certificate: { notAfter: NOT_AFTER } });
      const envelope = envelopeBy(by);
      const { ok, checks, signer: found } = verifyDsseSignature(envelope, questionAbout(envelope, by));
      expect(checks.filter((check) => !check.ok)).toEqual([]);
      expect(checks.map(({ name }) => name)).toEqual([...DSSE_CHECKS, "path"]);
      expect(ok && found).toBe(by.certificate);
    },
  );

  const moved = { ...sound, payloadType: `${TYPE}x` };
  const retyped = envelopeBy(signer, Buffer.from("{}"), `${TYPE}x`);
  const ROWS: readonly [what: string, envelope: DsseEnvelope, asked: Partial<DsseQuestion>, check: string][] = [
    ["no signature", { ...sound, signatures: [] }, {}, "one-signer"],
    ["two signatures", { ...sound, signatures: [signature, signature] }, {}, "one-signer"],
    ["no certificate", sound, { certificates: [] }, "signer-certificate"],
    ["another type", retyped, { timeStamps: [stampOf(retyped)] }, "content-type"],
    ["a type that is not what was signed", moved, { payloadType: moved.payloadType }, "signature"],
    ["another payload", { ...sound, payload: Buffer.from("[]") }, {}, "signature"],
    ["a flipped bit in the signature", { ...sound, signatures: [flipped(signature)] }, {}, "signature"],
    [
      "a signature over the bare payload",
      { ...sound, signatures: [signer.signOctets(sound.payload)] },
      {},
      "signature",
    ],
    ["another's signature", envelopeBy(stranger), {}, "signature"],
    ["another's certificate", sound, { certificates: [stranger.certificate, stranger.ca.certificate] }, "signature"],
    ["its chain the wrong way round", sound, { certificates: chain.toReversed() }, "signature"],
    ["another's chain", sound, { certificates: [signer.certificate, stranger.ca.certificate] }, "certificate-chain"],
    [
      "a flipped bit in its certificate",
      sound,
      { certificates: [flippedCertificate(signer.certificate), signer.ca.certificate] },
      "certificate-chain",
    ],
    [
      "a flipped bit in its root",
      sound,
      { certificates: [signer.certificate, flippedCertificate(signer.ca.certificate)] },
      "certificate-chain",
    ],
    ["no time stamp", sound, { timeStamps: [] }, "time-stamp-present"],
    ["two time stamps", sound, { timeStamps: [stampOf(sound), stampOf(sound)] }, "time-stamp-present"],
    ["a flipped bit in its time stamp", sound, { timeStamps: [flipped(stampOf(sound))] }, "time-stamp"],
    ["the time stamp of another", sound, { timeStamps: [stampOf(envelopeBy(signer))] }, "time-stamp-binds-signature"],
    ["a time stamp of somebody else", sound, { timeStamps: [stampOf(sound, foreignUnit)] }, "time-stamp-trust"],
    ["a foreign root", sound, { trust: trustAnchors({ anchors: [makeCa("other").certificate] }) }, "path"],
    ["nobody to vouch for its signer", sound, { trust: () => [] }, "trust"],
  ];

  it.each(ROWS)("is refused with %s", (_, envelope, asked, check) => {
    expect(firstFailure(envelope, asked)).toBe(check);
  });

  it("is judged at another time where there is no time stamp", () => {
    const { certificates, trust } = question;
    const judge = (envelope: DsseEnvelope, at: Date) =>
      verifyDsseSignatureAt(envelope, { payloadType: TYPE, certificates, trust, at });
    const { ok, checks, timeStamp } = judge(sound, GEN_TIME);
    expect({ ok, timeStamp }).toEqual({ ok: true, timeStamp: undefined });
    expect(checks.map(({ name }) => name)).toEqual([...DSSE_CHECKS_AT, "path"]);
    const late = judge(sound, new Date(NOT_AFTER.getTime() + 1_000));
    expect(late.checks.find((check) => !check.ok)?.name).toBe("path");
    expect(judge({ ...sound, signatures: [] }, GEN_TIME).ok).toBe(false);
    expect(judge({ ...sound, payload: Buffer.from("[]") }, GEN_TIME).ok).toBe(false);
  });

  it("is refused for each thing that is looked at", () => {
    const seen = new Set(ROWS.map(([, , , check]) => check));
    expect(DSSE_CHECKS.filter((name) => !seen.has(name))).toEqual([]);
  });
});

describe("the pre-authentication encoding", () => {
  it("is that of the DSSE specification", () => {
    const pae = buildPae({ payloadType: "http://example.com/HelloWorld", payload: Buffer.from("hello world") });
    expect(pae.toString()).toBe("DSSEv1 29 http://example.com/HelloWorld 11 hello world"); // protocol.md, test vectors
    expect(parsePae(pae)).toEqual({
      payloadType: "http://example.com/HelloWorld",
      payload: Buffer.from("hello world"),
    });
  });

  it.each(["", "a b", "größe", "a".repeat(257)])("is not made for the type '%s'", (payloadType) => {
    expect(() => buildPae({ payloadType, payload: Buffer.of() })).toThrow(
      expect.objectContaining({ code: "REQUEST_MALFORMED" }),
    );
  });
});
