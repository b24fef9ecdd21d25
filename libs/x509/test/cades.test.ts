import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  buildSignatureTimeStamp,
  CADES_CHECKS,
  type CadesQuestion,
  imprintData,
  type KeyAlgorithmId,
  OID,
  parseSignedData,
  pemEncode,
  toHex,
  trustAnchors,
  verifyCadesSignature,
} from "../src/index.ts";
import { NOT_AFTER } from "./authority.ts";
import { CADES_CORRUPTIONS, CONTENT, crafted, signer, sound, unit } from "./cades-corruptions.ts";
import { makeCodeSigner, signDetached } from "./code-signer.ts";
import { craftSignerInfo, craftToken } from "./crafted-token.ts";
import { openssl, opensslOutput } from "./openssl.ts";
import { GEN_TIME } from "./time-stamping-unit.ts";

const timeStamp = { trust: trustAnchors({ anchors: [unit.ca.certificate] }) };
const trustedBy = (by = signer) => trustAnchors({ anchors: [by.ca.certificate], purpose: OID.codeSigning });
const question: CadesQuestion = { content: CONTENT, trust: trustedBy(), timeStamp };
const firstFailure = (signature: Uint8Array, asked: Partial<CadesQuestion> = {}) =>
  verifyCadesSignature(signature, { ...question, ...asked }).checks.find(({ ok }) => !ok)?.name ?? "none";

function judge(signature: Uint8Array, content: Uint8Array = CONTENT, by = signer): "refused" | "accepted" {
  const files = { signature, content, "root.pem": pemEncode("CERTIFICATE", by.ca.certificate.der) };
  const input = ["-inform", "der", "-in", "signature", "-content", "content", "-out", "verified"];
  const trust = ["-CAfile", "root.pem", "-purpose", "any", "-attime", String(Math.floor(GEN_TIME.getTime() / 1_000))];
  try {
    openssl(["cms", "-verify", "-cades", "-binary", ...input, ...trust], files);
    return "accepted";
  } catch {
    return "refused";
  }
}

describe("a signature of the level CAdES-B-T", () => {
  it.each<KeyAlgorithmId>(["ec-p256", "ec-p384", "rsa-3072"])(
    "by %s is accepted by us and openssl cms",
    (keyAlgorithm) => {
      const by = makeCodeSigner({ keyAlgorithm, certificate: { notAfter: NOT_AFTER } });
      const signature = signDetached(by, CONTENT, unit);
      const { checks, ...found } = verifyCadesSignature(signature, { ...question, trust: trustedBy(by) });
      expect(checks.filter(({ ok }) => !ok)).toEqual([]);
      expect(checks.map(({ name }) => name)).toEqual([...CADES_CHECKS, "path"]);
      expect(found).toMatchObject({ ok: true, timeStamp: { at: GEN_TIME } });
      expect(toHex(found.signer?.der ?? new Uint8Array())).toBe(toHex(by.certificate.der));
      expect(judge(signature, CONTENT, by)).toBe("accepted");
      expect(judge(signature, Buffer.from("other"), by)).toBe("refused");
    },
  );

  it("is accepted when it is crafted", () => {
    expect(firstFailure(crafted())).toBe("none");
    expect(judge(crafted())).toBe("accepted");
  });

  it("is about a content, or about its digest under the hash that was signed", () => {
    const digest = createHash("sha256").update(CONTENT).digest();
    expect(firstFailure(sound, { content: { hash: "sha256", digest } })).toBe("none");
    const other = createHash("sha256").update("other").digest();
    expect(firstFailure(sound, { content: { hash: "sha256", digest: other } })).toBe("message-digest");
    const longer = createHash("sha384").update(CONTENT).digest();
    expect(firstFailure(sound, { content: { hash: "sha384", digest: longer } })).toBe("message-digest");
    expect(firstFailure(sound, { content: Buffer.from("other") })).toBe("message-digest");
  });

  it("is of what the signer says it is, and of nothing else", () => {
    const mimeType = "application/vnd.example";
    const typed = signDetached(signer, CONTENT, unit, { mimeType });
    expect(firstFailure(typed, { mimeType })).toBe("none");
    expect(judge(typed)).toBe("accepted");
    for (const asked of [undefined, "application/vnd.other"])
      expect(firstFailure(typed, { mimeType: asked })).toBe("mime-type");
    expect(firstFailure(sound, { mimeType })).toBe("mime-type");
  });

  it("is judged at the time of its time stamp, not now and not at the time that the signer claims", () => {
    const by = makeCodeSigner({ certificate: { notAfter: GEN_TIME } });
    const trust = trustedBy(by);
    expect(firstFailure(signDetached(by, CONTENT, unit), { trust })).toBe("none");
    const late = new Date(GEN_TIME.getTime() + 2_000);
    expect(firstFailure(signDetached(by, CONTENT, unit, { genTime: late }), { trust })).toBe("path");
  });

  it("is not accepted when nobody vouches for the signer", () => {
    expect(firstFailure(sound, { trust: () => [] })).toBe("trust");
  });

  it.each(CADES_CORRUPTIONS)("with $what is refused", ({ signature, check, overlookedByOpenssl }) => {
    const expected = overlookedByOpenssl === undefined ? "refused" : "accepted";
    expect({ check: firstFailure(signature), openssl: judge(signature) }).toEqual({ check, openssl: expected });
  });

  it("is refused for each thing that is looked at", () => {
    const seen = new Set(CADES_CORRUPTIONS.map(({ check }) => check));
    expect(CADES_CHECKS.filter((name) => !seen.has(name))).toEqual([]);
  });

  it("with any octet changed is refused, but for certificates that nobody needs", () => {
    const root = Buffer.from(sound).indexOf(signer.ca.certificate.der);
    const accepted: number[] = [];
    for (let at = 0; at < sound.length; at++) {
      const isOfRoot = at >= root && at < root + signer.ca.certificate.der.length;
      const changed = sound.with(at, (sound[at] as number) ^ (1 << (at % 8)));
      if (!isOfRoot && verifyCadesSignature(changed, question).ok) accepted.push(at);
    }
    expect(accepted).toEqual([]);
  });
});

it("a signature by openssl cms -cades is accepted once it is stamped, and is refused before", () => {
  const files = {
    content: CONTENT,
    "key.pem": signer.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    "signer.pem": pemEncode("CERTIFICATE", signer.certificate.der),
  };
  const args = ["cms", "-sign", "-cades", "-binary", "-in", "content", "-outform", "DER", "-out", "signature"];
  const bare = opensslOutput([...args, "-signer", "signer.pem", "-inkey", "key.pem"], files, "signature");
  expect(firstFailure(bare)).toBe("time-stamp-present");

  const [info] = parseSignedData(bare, bare.length).signerInfos;
  if (info?.signedAttributes === undefined) throw new Error("openssl signs attributes");
  const { signature, digestAlgorithmDer: digestAlgorithm, signatureAlgorithmDer: signatureAlgorithm } = info;
  const stamp = buildSignatureTimeStamp(unit.stamp({ messageImprint: imprintData("sha512", signature) }));
  const stamped = craftSignerInfo(signer, CONTENT, {
    ...{ signature, digestAlgorithm, signatureAlgorithm, unsignedAttributes: [stamp] },
    attributes: info.signedAttributes.map(({ der }) => der),
  });
  const message = { version: 1, contentType: OID.data, content: undefined, digestAlgorithms: [digestAlgorithm] };
  expect(firstFailure(craftToken(signer, CONTENT, { ...message, signerInfos: [stamped] }))).toBe("none");
});
