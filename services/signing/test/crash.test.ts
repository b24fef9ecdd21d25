import { randomUUID } from "node:crypto";
import { KeyState } from "@vcc-pki/proto/hsm";
import { SignerState } from "@vcc-pki/proto/signing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CLARA, newSigning, type SigningHarness } from "./harness.ts";
import { digestsRequest, manifestRequest } from "./requests.ts";

let harness: SigningHarness;

beforeEach(async () => {
  harness = await newSigning();
});
afterEach(() => harness.close());

/** Makes the `nth` commit of the service from now on fail, stored or not. */
function failCommit(nth: number, kind: "beforeCommit" | "afterCommit"): void {
  let count = 0;
  harness.storeFaults[kind] = () => {
    if (++count !== nth) return;
    throw new Error("the process dies here");
  };
}

const recover = async () => {
  delete harness.storeFaults.beforeCommit;
  delete harness.storeFaults.afterCommit;
  await harness.restart();
};
const count = (table: string) =>
  harness.store.db.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n;
const signedEvents = () =>
  harness.store.outbox.pending(10_000).filter(({ type }) => type === "pki.artefact.signed.v1").length;
/** How often its retirement is on record. */
const retirements = (signerKeyId: string) =>
  harness.store.audit
    .read(0, 10_000)
    .filter(({ action, target }) => action === "signer-key.retire" && target === signerKeyId).length;
const disabledAt = () =>
  harness.store.db.prepare<[], number | null>("SELECT disabled_at FROM signer_keys").pluck().all();
async function stateInToken(): Promise<KeyState | undefined> {
  const page = { organisation: "brandenburg", pageSize: 1000, pageToken: "" };
  const { keys } = await harness.ca.hsm.as("signing").keys.listKeys(page);
  return keys.find(({ label }) => label === "clara of brandenburg")?.state;
}
const tokens = () => harness.tsa.store.db.prepare<[], { n: number }>("SELECT count(*) AS n FROM tokens").get()?.n;

describe.each(["beforeCommit", "afterCommit"] as const)("a crash, %s,", (kind) => {
  it.each([
    [1, "of the intent"],
    [2, "of the fact"],
  ])("at commit %i, %s, of a signature: the repeat gives the one signature there is", async (nth) => {
    await harness.createSigner();
    const request = manifestRequest();
    failCommit(nth, kind);
    await expect(harness.as().signatures.signManifest(request)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await recover();
    const made = await harness.as().signatures.signManifest(request);
    expect(await harness.as().signatures.signManifest(request)).toEqual(made);
    expect([count("vcc_code_signatures"), count("intents"), signedEvents(), tokens()]).toEqual([1, 1, 1, 1]);
  });

  it("at the commit of a retirement: it is retired when that is stored, at once, and by the repeat either way", async () => {
    const signerKeyId = await harness.createSigner();
    const { signers } = harness.as();
    failCommit(1, kind);
    await expect(signers.retireSigner({ signerKeyId })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    delete harness.storeFaults[kind];
    const signed = harness.as().signatures.signManifest(manifestRequest());
    if (kind === "afterCommit") await expect(signed).rejects.toMatchObject({ code: "NOT_FOUND" });
    else await signed;
    await recover();
    const before = kind === "afterCommit" ? SignerState.RETIRED : SignerState.ACTIVE;
    expect((await harness.as().signers.listSigners({ signer: "" })).keys).toMatchObject([{ state: before }]);
    const retired = await harness.as().signers.retireSigner({ signerKeyId });
    expect(retired.state).toBe(SignerState.RETIRED);
    expect(await harness.as().signers.retireSigner({ signerKeyId })).toEqual(retired);
    expect(retirements(signerKeyId)).toBe(1);
    await expect(harness.as().signatures.signManifest(manifestRequest())).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("at the commit that a retired key is disabled: the token has disabled it once, and the next run says so", async () => {
    const signerKeyId = await harness.createSigner();
    await harness.as().signers.retireSigner({ signerKeyId });
    failCommit(1, kind);
    await harness.signing.refresh();
    expect(await stateInToken()).toBe(KeyState.DISABLED);
    await recover();
    await harness.signing.refresh();
    expect([await stateInToken(), retirements(signerKeyId)]).toEqual([KeyState.DISABLED, 1]);
    expect(disabledAt()).toEqual([expect.any(Number)]);
  });

  it.each([
    [1, "of the intent"],
    [2, "of the key"],
    [3, "of the request"],
  ])("at commit %i, %s, of a signer: the repeat gives the one key there is", async (nth) => {
    const wish = { requestId: randomUUID(), signer: "clara", keyAlgorithm: "", profile: "" };
    failCommit(nth, kind);
    await expect(harness.as().signers.createSigner(wish)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await recover();
    const { csrDer } = await harness.as().signers.createSigner(wish);
    expect(csrDer.length).toBeGreaterThan(0);
    const { keys } = await harness.ca.hsm.as("signing").keys.listKeys({
      ...{ organisation: "brandenburg", pageSize: 1000, pageToken: "" },
    });
    expect([keys.length, count("signer_keys")]).toEqual([1, 1]);
  });

  it("when a certificate is installed: the repeat installs it once", async () => {
    const { signers } = harness.as();
    const wish = { requestId: randomUUID(), signer: "clara", keyAlgorithm: "", profile: "" };
    const { signerKeyId, csrDer } = await signers.createSigner(wish);
    const chainDer = await harness.certify(csrDer);
    failCommit(1, kind);
    await expect(signers.installCertificate({ signerKeyId, chainDer })).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
    });
    await recover();
    await harness.as().signers.installCertificate({ signerKeyId, chainDer });
    const certified = harness.store.audit.read(0, 1_000).filter(({ action }) => action === "signer-key.certify");
    expect(certified).toHaveLength(1);
    await harness.as().signatures.signManifest(manifestRequest());
  });
});

describe("without a peer", () => {
  it.each([
    ["hsm-gateway", "HSM_UNAVAILABLE"],
    ["tsa", "PEER_UNAVAILABLE"],
  ] as const)("%s nothing is signed; the same request is, when it is back", async (peer, code) => {
    await harness.createSigner();
    const request = digestsRequest();
    harness.away.add(peer);
    const { signatures } = harness.as(CLARA);
    await expect(signatures.signDigests(request)).rejects.toMatchObject({ code });
    expect([count("vcc_code_signatures"), signedEvents()]).toEqual([0, 0]);
    harness.away.clear();
    await signatures.signDigests(request);
    expect([count("vcc_code_signatures"), signedEvents(), tokens()]).toEqual([1, 1, 1]);
  });

  it("a time that is not proven is none", async () => {
    await harness.createSigner();
    for (const server of harness.tsa.servers) server.offsetMs = 60_000;
    harness.clock.advance(3_600_000);
    await harness.tsa.tsa.refresh();
    const request = digestsRequest();
    const { signatures } = harness.as(CLARA);
    await expect(signatures.signDigests(request)).rejects.toMatchObject({ code: "TIME_NOT_AVAILABLE" });
    expect(count("vcc_code_signatures")).toBe(0);
  });
});

describe("a signature that was begun", () => {
  it("with a key that is replaced since is begun anew with the one that signs", async () => {
    await harness.createSigner();
    const request = digestsRequest();
    harness.away.add("tsa");
    await expect(harness.as(CLARA).signatures.signDigests(request)).rejects.toMatchObject({ code: "PEER_UNAVAILABLE" });
    harness.away.clear();
    await harness.createSigner();
    const { signatures } = await harness.as(CLARA).signatures.signDigests(request);
    const { keys } = await harness.as().signers.listSigners({ signer: "clara" });
    expect(signatures).toHaveLength(1);
    expect(keys.map(({ chainDer }) => chainDer.length > 0)).toEqual([true, true]);
    expect([count("intents"), count("vcc_code_signatures")]).toEqual([1, 1]);
  });
});
