import { randomUUID } from "node:crypto";
import { KeyState } from "@vcc-pki/proto/hsm";
import { SignerState } from "@vcc-pki/proto/signing";
import { parseCertificate, parseCertificationRequest, toHex } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLARA, newSigning, type SigningHarness, STRANGER } from "./harness.ts";
import { manifestRequest } from "./requests.ts";

let harness: SigningHarness;

beforeAll(async () => {
  harness = await newSigning();
});
afterAll(() => harness.close());

const wish = (signer: string, fields = {}) => ({
  ...{ requestId: randomUUID(), signer, keyAlgorithm: "", profile: "" },
  ...fields,
});
const keysOf = async (signer: string) => (await harness.as().signers.listSigners({ signer })).keys;
const sign = (signer: string) => harness.as().signatures.signManifest(manifestRequest({ signer }));

describe("a new signer", () => {
  it("has a key and a request in its name, and signs once an administrator has brought its certificate", async () => {
    const { signers } = harness.as();
    const made = await signers.createSigner(wish("new"));
    expect(made).toMatchObject({ state: SignerState.WAITING, keyAlgorithm: "ec-p256", profile: "code_signing" });
    const csr = parseCertificationRequest(made.csrDer);
    expect(csr.subjectAltNames.uri).toEqual(["spiffe://vcc.internal/org/brandenburg/service/new"]);
    await expect(sign("new")).rejects.toMatchObject({ code: "NOT_FOUND" });

    const chainDer = await harness.certify(made.csrDer);
    const installed = await signers.installCertificate({ signerKeyId: made.signerKeyId, chainDer });
    expect(installed.state).toBe(SignerState.ACTIVE);
    expect(await sign("new")).toMatchObject({ signer: "new" });
  });

  it("is made once, however often it is asked for", async () => {
    const { signers } = harness.as();
    const request = wish("once");
    const made = await Promise.all([signers.createSigner(request), signers.createSigner(request)]);
    expect(made[1]).toEqual(made[0]);
    expect(await signers.createSigner(request)).toEqual(made[0]);
    expect(await keysOf("once")).toHaveLength(1);
    await expect(signers.createSigner({ ...request, signer: "twice" })).rejects.toMatchObject({
      code: "REQUEST_ID_REUSED",
    });
  });

  it.each([
    [{ signer: "" }, "REQUEST_MALFORMED"],
    [{ signer: "../clara" }, "REQUEST_MALFORMED"],
    [{ requestId: "" }, "REQUEST_MALFORMED"],
    [{ keyAlgorithm: "rsa-1024" }, "KEY_NOT_ALLOWED"],
    [{ profile: "tsa_unit" }, "PROFILE_NOT_ALLOWED"],
  ])("is refused as %o: %s", async (fields, code) => {
    await expect(harness.as().signers.createSigner(wish("bad", fields))).rejects.toMatchObject({ code });
  });

  it("is for an administrator to make, install and retire", async () => {
    const { signers } = harness.as(CLARA);
    const signerKeyId = await harness.createSigner("admins");
    const code = "CALLER_NOT_ALLOWED";
    await expect(signers.createSigner(wish("clara"))).rejects.toMatchObject({ code });
    await expect(signers.installCertificate({ signerKeyId, chainDer: [] })).rejects.toMatchObject({ code });
    await expect(signers.retireSigner({ signerKeyId })).rejects.toMatchObject({ code });
  });
});

describe("a certificate", () => {
  it("of another key, another signer, another purpose or without its issuer is not installed", async () => {
    const { signers } = harness.as();
    const one = await signers.createSigner(wish("one"));
    const two = await signers.createSigner(wish("two"));
    const chainOfTwo = await harness.certify(two.csrDer);
    const install = (chainDer: Uint8Array[]) => signers.installCertificate({ signerKeyId: one.signerKeyId, chainDer });
    const tls = await harness.ca.issue({ names: { dns: ["one.vcc.internal"] } });
    const other = harness.ca.csr({ uri: ["spiffe://vcc.internal/org/brandenburg/service/one"] });
    const otherKey = await harness.certify(other);
    for (const chain of [chainOfTwo, tls.chainDer, otherKey, (await harness.certify(one.csrDer)).slice(0, 1), []]) {
      await expect(install(chain)).rejects.toMatchObject({ code: "LINT_FAILED" });
    }
    await expect(install([Buffer.from("no certificate")])).rejects.toMatchObject({ code: "CERTIFICATE_MALFORMED" });
    expect((await keysOf("one"))[0]?.state).toBe(SignerState.WAITING);
  });

  it("is installed once; the same one again changes nothing", async () => {
    const { signers } = harness.as();
    const { signerKeyId, csrDer } = await signers.createSigner(wish("again"));
    const chainDer = await harness.certify(csrDer);
    const installed = await signers.installCertificate({ signerKeyId, chainDer });
    expect(await signers.installCertificate({ signerKeyId, chainDer })).toEqual(installed);
    const another = await harness.certify(csrDer);
    await expect(signers.installCertificate({ signerKeyId, chainDer: another })).rejects.toMatchObject({
      code: "KEY_NOT_ACTIVE",
    });
  });

  it("that is revoked signs nothing any more, from the moment on that it is known", async () => {
    const signerKeyId = await harness.createSigner("revoked");
    const { chainDer } = (await keysOf("revoked"))[0] ?? { chainDer: [] };
    const { serialHex, authorityKeyIdentifier } = parseCertificate(chainDer[0] ?? new Uint8Array());
    harness.denyList.deny({ serialHex, issuerKeyId: toHex(authorityKeyIdentifier ?? new Uint8Array()) });
    await expect(sign("revoked")).rejects.toMatchObject({ code: "KEY_NOT_ACTIVE" });
    expect(await keysOf("revoked")).toMatchObject([{ signerKeyId, state: SignerState.UNUSABLE }]);
  });
});

describe("a key", () => {
  it("signs until the next one has its certificate; what the old one has signed stays as it was", async () => {
    const { signers, signatures } = harness.as();
    const oldKey = await harness.createSigner("rolling");
    const before = await sign("rolling");
    const { signerKeyId, csrDer } = await signers.createSigner(wish("rolling", { keyAlgorithm: "ec-p384" }));
    expect((await sign("rolling")).signerSerialHex).toBe(before.signerSerialHex);
    await signers.installCertificate({ signerKeyId, chainDer: await harness.certify(csrDer) });
    expect((await sign("rolling")).signerSerialHex).not.toBe(before.signerSerialHex);
    expect(await keysOf("rolling")).toMatchObject([
      { signerKeyId, state: SignerState.ACTIVE },
      { signerKeyId: oldKey, state: SignerState.RETIRED },
    ]);
    expect(await signatures.getSignature({ signatureId: before.signatureId })).toEqual(before);
  });

  it("that is retired is disabled in the token", async () => {
    const signerKeyId = await harness.createSigner("ended");
    await harness.as().signers.retireSigner({ signerKeyId });
    await expect(sign("ended")).rejects.toMatchObject({ code: "NOT_FOUND" });
    harness.away.add("hsm-gateway");
    await harness.signing.refresh();
    harness.away.clear();
    await harness.signing.refresh();
    const { keys } = await harness.ca.hsm.as("signing").keys.listKeys({
      ...{ organisation: "brandenburg", pageSize: 1000, pageToken: "" },
    });
    expect(keys.find(({ label }) => label === "ended of brandenburg")?.state).toBe(KeyState.DISABLED);
  });

  it("of another organisation looks like one that does not exist", async () => {
    const signerKeyId = await harness.createSigner("ours");
    const { signers } = harness.as(STRANGER);
    const code = "NOT_FOUND";
    await expect(signers.retireSigner({ signerKeyId })).rejects.toMatchObject({ code });
    await expect(signers.installCertificate({ signerKeyId, chainDer: [] })).rejects.toMatchObject({ code });
    expect((await signers.listSigners({ signer: "" })).keys).toEqual([]);
  });
});
