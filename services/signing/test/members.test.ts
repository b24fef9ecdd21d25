import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseManifest } from "@vcc-pki/artefact";
import { OPERATOR } from "@vcc-pki/ca/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLARA, newSigning, type SigningHarness, STRANGER } from "./harness.ts";
import { digestsRequest, manifestRequest } from "./requests.ts";

const SHIPPED = new URL("../../../deploy/policies/artefacts.yaml", import.meta.url);

let harness: SigningHarness;
const policyFile = join(mkdtempSync(join(tmpdir(), "policy-")), "artefacts.yaml");
const policy = readFileSync(SHIPPED, "utf8");
beforeAll(async () => {
  writeFileSync(policyFile, policy);
  harness = await newSigning({ config: { policyFile } });
  await harness.createSigner("clara");
});
afterAll(() => harness.close());

type Remotes = ReturnType<SigningHarness["as"]>;
const organisation = "brandenburg";
const NO_DIGEST = `sha256:${"0".repeat(64)}`;
const refusal = (answer: Promise<unknown>) =>
  answer.then(
    () => "nothing",
    ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
  );
const target = { $case: "artefactDigest", value: NO_DIGEST } as const;

/** Each RPC, for an organisation that is named. */
const CALLS: Readonly<Record<string, (remotes: Remotes, organisation: string) => Promise<unknown>>> = {
  createSigner: ({ signers }, organisation) =>
    signers.createSigner({ requestId: randomUUID(), signer: "argus", keyAlgorithm: "", profile: "", organisation }),
  installCertificate: ({ signers }, organisation) =>
    signers.installCertificate({ signerKeyId: "x", chainDer: [], organisation }),
  listSigners: ({ signers }, organisation) => signers.listSigners({ signer: "", organisation }),
  retireSigner: ({ signers }, organisation) => signers.retireSigner({ signerKeyId: "x", organisation }),
  signManifest: ({ signatures }, organisation) => signatures.signManifest(manifestRequest({ organisation })),
  signStatement: ({ signatures }, organisation) =>
    signatures.signStatement({ ...manifestRequest({ organisation }), format: "oms" }),
  signDigests: ({ signatures }, organisation) =>
    signatures.signDigests(digestsRequest({ signer: "clara", organisation })),
  getSignature: ({ signatures }, organisation) => signatures.getSignature({ signatureId: "x", organisation }),
  listSignatures: ({ signatures }, organisation) =>
    signatures.listSignatures({ artefactDigest: "", type: "", signer: "", pageSize: 0, pageToken: "", organisation }),
  getLineage: ({ signatures }, organisation) => signatures.getLineage({ artefactDigest: NO_DIGEST, organisation }),
  recordUsage: ({ signatures }, organisation) =>
    signatures.recordUsage({
      ...{ requestId: randomUUID(), signatureId: "x", action: "loaded", context: "", times: 0, organisation },
    }),
  getUsage: ({ signatures }, organisation) => signatures.getUsage({ signatureId: "x", organisation }),
  recall: ({ recalls }, organisation) =>
    recalls.recall({ requestId: randomUUID(), target, reason: "a test", dryRun: true, organisation }),
  listRecalls: ({ recalls }, organisation) => recalls.listRecalls({ artefactDigest: "", organisation }),
  verify: ({ verification }, organisation) =>
    verification.verify({
      ...{ requestId: randomUUID(), policy: "", type: "", organisation, expected: undefined },
      material: { $case: "bundleJson", value: Buffer.from("{}") },
      there: { $case: "artefactDigest", value: NO_DIGEST },
      ...{ anchorsDer: [], issuers: [], certificatesDer: [], crlsDer: [], ocspResponsesDer: [] },
    }),
  verifyDigests: ({ verification }, organisation) =>
    verification.verifyDigests({
      ...{ requestId: randomUUID(), signer: "clara", organisation },
      items: [{ sha256: Buffer.alloc(32), signedDataDer: Buffer.from("x") }],
    }),
};
const calls = Object.entries(CALLS);
/** Of what is not there, in an organisation that one may look into. */
const NOT_THERE = /^NOT_FOUND: no such (key|signature)$/;

describe("a member of another organisation", () => {
  it("signs for it, in the name of its signers, and finds what was signed there and not at home", async () => {
    const { signatures } = harness.as(OPERATOR);
    const made = await signatures.signManifest(manifestRequest({ organisation }));
    expect(parseManifest(made.manifest).facts.organisation).toBe(organisation);
    expect(made.requester).toBe(OPERATOR);
    const { signatureId } = made;
    expect(await signatures.getSignature({ signatureId, organisation })).toEqual(made);
    expect(await refusal(signatures.getSignature({ signatureId }))).toMatch(NOT_THERE);
    expect(await harness.as().signatures.getSignature({ signatureId })).toEqual(made);
    const entry = harness.store.audit.read(0, 10_000).find(({ target }) => target === signatureId);
    expect(entry).toMatchObject({ organisation, requester: OPERATOR });
  });

  it.each(calls)("may %s as policy lets members", async (name, call) => {
    const said = await refusal(call(harness.as(OPERATOR), organisation));
    if (name === "signDigests") expect(said).toMatch(/^SIGNING_NOT_ALLOWED/);
    else expect(said === "nothing" || NOT_THERE.test(said) ? "" : said).toBe("");
  });

  it("is one no longer once the membership is revoked", async () => {
    const { organisations } = harness.ca.as("ceremony", OPERATOR);
    const membership = { organisation, identity: OPERATOR };
    await organisations.revokeMembership({ requestId: randomUUID(), ...membership });
    expect(await refusal(CALLS.listSigners?.(harness.as(OPERATOR), organisation) as Promise<unknown>)).toBe(
      "NOT_FOUND: no such organisation",
    );
    const again = { ...membership, expiresAt: undefined };
    await organisations.grantMembership({ requestId: randomUUID(), membership: again });
  });

  it("is not known to be one while the ca is away, and is then refused; who is at home goes on", async () => {
    harness.away.add("ca");
    const said = await refusal(CALLS.listSigners?.(harness.as(OPERATOR), organisation) as Promise<unknown>);
    expect(said).toMatch(/^PEER_UNAVAILABLE/);
    expect(await refusal(CALLS.listSigners?.(harness.as(), organisation) as Promise<unknown>)).toBe("nothing");
    harness.away.delete("ca");
  });
});

describe("an organisation that is nobody's business", () => {
  it.each(calls)("cannot be told from one that does not exist, when it is asked to %s", async (_, call) => {
    for (const requester of [STRANGER, CLARA.replace("brandenburg", "berlin")]) {
      const said = await refusal(call(harness.as(requester), organisation));
      expect(said).toBe(await refusal(call(harness.as(requester), "atlantis")));
      expect(said).toMatch(/^(NOT_FOUND: no such organisation|CALLER_NOT_ALLOWED: \w+ are for administrators)/);
    }
  });
});

describe("where policy knows no members", () => {
  beforeAll(() => restartWith(policy.replaceAll(", member]", "]").replace(/^members:.*$/m, "members: []")));
  afterAll(() => restartWith(policy));

  it.each(calls)("one may not %s", async (name, call) => {
    const signing = ["signManifest", "signStatement", "signDigests"].includes(name);
    const said = await refusal(call(harness.as(OPERATOR), organisation));
    expect(said).toMatch(signing ? /^SIGNING_NOT_ALLOWED/ : /^CALLER_NOT_ALLOWED/);
  });

  async function restartWith(text: string): Promise<void> {
    writeFileSync(policyFile, text);
    await harness.restart();
  }
});
