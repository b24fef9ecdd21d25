import { generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeKey } from "../test/keys.ts";
import { openssl } from "../test/openssl.ts";
import {
  assembleSigned,
  buildCertificationRequestInfo,
  buildName,
  defaultSignatureAlgorithm,
  fitsKey,
  isKeyAlgorithmId,
  KEY_ALGORITHMS,
  type KeyAlgorithmId,
  keyAlgorithmOf,
  parseCertificationRequest,
  pemEncode,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithmId,
  signatureAlgorithmOf,
  verifySignature,
} from "./index.ts";

const notAllowed = expect.objectContaining({ code: "ALGORITHM_NOT_ALLOWED" });

const keys = new Map<KeyAlgorithmId, ReturnType<typeof makeKey>>();
const keyFor = (id: KeyAlgorithmId) => keys.get(id) ?? keys.set(id, makeKey(id)).get(id) ?? makeKey(id);

const algorithms = Object.keys(SIGNATURE_ALGORITHMS) as SignatureAlgorithmId[];

describe("SIGNATURE_ALGORITHMS", () => {
  it.each(algorithms)("%s: OpenSSL signs with the same AlgorithmIdentifier, and each verifies the other", (id) => {
    const row = SIGNATURE_ALGORITHMS[id];
    const { privateKey, spkiDer } = keyFor(row.keyAlgorithm ?? "rsa-3072");
    const keyPem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"];
    const options = [...(row.hash ? [`-${row.hash}`] : []), ...(row.padding === "pss" ? pss : [])];

    const theirs = openssl(["req", "-new", "-key", "key.pem", "-subj", "/CN=a", ...options, "-outform", "PEM"], {
      "key.pem": keyPem,
    });
    const csr = parseCertificationRequest(
      new Uint8Array(Buffer.from(theirs.replace(/-----.*-----|\n/g, ""), "base64")),
    );
    expect(csr.signatureAlgorithmDer).toEqual(row.algorithmIdentifierDer);
    expect(csr.signatureAlgorithm).toBe(row.scheme);
    expect(csr.verifySignature()).toBe(true);

    const infoDer = buildCertificationRequestInfo({ subject: buildName([["CN", "a"]]), spkiDer });
    const nodeOptions = row.padding === "pss" ? { padding: 6, saltLength: row.saltLength } : {};
    const ours = assembleSigned(infoDer, id, sign(row.hash, infoDer, { key: privateKey, ...nodeOptions }));
    const report = openssl(["req", "-verify", "-noout", "-in", "csr.pem"], {
      "csr.pem": pemEncode("CERTIFICATE REQUEST", ours),
    });
    expect(report).toContain("verify OK");
  });

  it("are found again by their encoding and the key", () => {
    for (const id of algorithms) {
      const { algorithmIdentifierDer, keyAlgorithm } = SIGNATURE_ALGORITHMS[id];
      expect(signatureAlgorithmOf(algorithmIdentifierDer, keyAlgorithm ?? "rsa-4096")).toBe(id);
    }
  });

  it.each([
    ["SHA-1 with RSA", "300d06092a864886f70d0101050500", "rsa-3072"],
    ["ECDSA with NULL parameters", "300c06082a8648ce3d0403020500", "ec-p256"],
    ["RSA without parameters", "300b06092a864886f70d01010b", "rsa-3072"],
    ["PSS with all defaults (SHA-1)", "300d06092a864886f70d01010a3000", "rsa-3072"],
    ["SHA-384 with a P-256 key", "300a06082a8648ce3d040303", "ec-p256"],
    ["RSA with an EC key", "300d06092a864886f70d01010b0500", "ec-p256"],
  ])("have no row for %s", (_, hex, keyAlgorithm) => {
    expect(() => signatureAlgorithmOf(new Uint8Array(Buffer.from(hex, "hex")), keyAlgorithm)).toThrow(notAllowed);
  });
});

describe("KEY_ALGORITHMS", () => {
  it.each(Object.keys(KEY_ALGORITHMS) as KeyAlgorithmId[])("%s is recognised from its SubjectPublicKeyInfo", (id) => {
    expect(keyAlgorithmOf(keyFor(id).spkiDer)).toBe(id);
    expect(fitsKey(defaultSignatureAlgorithm(id), id)).toBe(true);
  });

  it("names keys that are not ours for what they are", () => {
    const spki = (type: "ec" | "rsa" | "x25519", options: object) =>
      new Uint8Array(
        generateKeyPairSync(type as "ec", options as { namedCurve: string }).publicKey.export({
          type: "spki",
          format: "der",
        }),
      );
    expect(keyAlgorithmOf(spki("ec", { namedCurve: "secp256k1" }))).toBe("ec-1.3.132.0.10");
    expect(keyAlgorithmOf(spki("rsa", { modulusLength: 1024 }))).toBe("rsa-1024");
    expect(keyAlgorithmOf(spki("x25519", {}))).toBe("key-1.3.101.110");
    expect(isKeyAlgorithmId("ec-1.3.132.0.10")).toBe(false);
    expect(isKeyAlgorithmId("toString")).toBe(false);
  });
});

describe("verifySignature", () => {
  const { privateKey, spkiDer } = keyFor("ec-p256");
  const data = Buffer.from("data");
  const signature = new Uint8Array(sign("sha256", data, privateKey));

  it("takes the signature with the bound algorithm and with the bare scheme", () => {
    expect(verifySignature(spkiDer, "ecdsa-p256-sha256", data, signature)).toBe(true);
    expect(verifySignature(spkiDer, "ecdsa-sha256", data, signature)).toBe(true);
  });

  it.each([
    ["other data", "ecdsa-p256-sha256", Buffer.from("Data"), signature],
    ["another hash", "ecdsa-sha384", data, signature],
    ["an algorithm bound to another curve", "ecdsa-brainpoolp256r1-sha256", data, signature],
    ["an algorithm of another key type", "rsa-pkcs1-sha256", data, signature],
    ["a signature with trailing octets", "ecdsa-p256-sha256", data, Uint8Array.from([...signature, 0])],
    ["r || s", "ecdsa-p256-sha256", data, sign("sha256", data, { key: privateKey, dsaEncoding: "ieee-p1363" })],
    ["nothing", "ecdsa-p256-sha256", data, new Uint8Array()],
  ] as const)("is false for %s", (_, algorithm, message, octets) => {
    expect(verifySignature(spkiDer, algorithm, message, octets)).toBe(false);
  });
});
