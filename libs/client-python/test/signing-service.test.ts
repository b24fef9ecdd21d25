import { hash, randomUUID } from "node:crypto";
import { type ArtefactQuestion, type Digest, parseTrustPolicy, recallShardOf } from "@vcc-pki/artefact";
import { type Artefact, Shape } from "@vcc-pki/proto/signing";
import { ADMIN, CLARA, newSigning, type SigningHarness } from "@vcc-pki/signing/harness";
import { parseCertificate, parseCertificateList } from "@vcc-pki/x509";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findPython, PYTHON_MS, pytest } from "./python.ts";
import { type NamedQuestion, newCaseDirectory, writeCases } from "./written-cases.ts";

/* What the real signing service signs, with the real ca's certificates and lists and the real tsa's time stamps. */

const { python, missing } = findPython("cryptography", "pytest");
const directory = newCaseDirectory();
let harness: SigningHarness;

beforeAll(async () => {
  harness = await newSigning();
  await harness.createSigner("clara");
  await harness.createSigner("rsa", "rsa-4096");
  await harness.publishLists();
});
afterAll(() => harness.close());

const FILES = { "README.md": "an adapter\n", "tokenizer/wörter.txt": "das\n" };
const resources = Object.entries(FILES).map(([path, content]) => ({ path, sha256Hex: hash("sha256", content) }));
const directoryThere = { shape: "directory", resources } as const;
const artefact: Artefact = {
  ...{ type: "model_weights", name: "bauordnung", version: "1.2.0", shape: Shape.DIRECTORY },
  metadataJson: JSON.stringify({ riskClass: "limited" }),
  resources: resources.map(({ path, sha256Hex }) => ({
    path,
    sha256: Buffer.from(sha256Hex, "hex"),
  })),
};

async function relyingParty() {
  const { issuers } = await harness.ca.as().authorities.listIssuers({});
  const certificates = new Map(
    issuers.map(({ authorityId, certificateDer }) => [authorityId, parseCertificate(certificateDer)]),
  );
  const { crls } = await harness.ca.as().crls.list({});
  const lists = await Promise.all(
    crls.map(async ({ authorityId, shard, delta }) => {
      const { crlDer } = await harness.ca.as().crls.get({ authorityId, shard, delta });
      return parseCertificateList(crlDer);
    }),
  );
  const [root, signersCa] = ["vcc-root-ca", "vcc-code-signing-ca"].map((id) => certificates.get(id));
  if (root === undefined || signersCa === undefined) throw new Error("the ca has no such authority");
  const policy = parseTrustPolicy({
    issuers: [`sha256:${hash("sha256", signersCa.spkiDer)}`],
    identities: ["spiffe://vcc.internal/org/brandenburg/service/*"],
    ...{ organisation: "brandenburg", types: ["model_weights", "untyped"], recall: "required" },
  });
  const trust = {
    ...{ anchors: [root], timeStampAnchors: [root], intermediates: [...certificates.values()] },
    revocation: { crls: lists },
  };
  return { policy, trust };
}

const recallEvidence = async (digest: Digest) => {
  const shard = recallShardOf(digest).toString(16);
  const list = await fetch(`http://127.0.0.1:${harness.signing.httpPort}/recall/${shard}.json`);
  return { bundle: Buffer.from(await list.arrayBuffer()), at: harness.clock.now(), graceMs: 0 };
};

async function signEverything(): Promise<NamedQuestion[]> {
  const { policy, trust } = await relyingParty();
  const { signatures } = harness.as(ADMIN);
  const ask = async (what: string, digest: string, question: Pick<ArtefactQuestion, "material" | "observed">) =>
    [what, { ...question, policy, trust, recall: await recallEvidence(digest as Digest) }] as const;
  const questions: NamedQuestion[] = [];
  for (const signer of ["clara", "rsa"]) {
    const made = await signatures.signManifest({ requestId: randomUUID(), signer, artefact });
    const material = { format: "manifest", manifest: made.manifest, cms: made.signedDataDer } as const;
    questions.push(await ask(`a manifest by ${signer}`, made.artefactDigest, { material, observed: directoryThere }));
    for (const format of ["oms", "sigstore", "attestation"]) {
      const { bundleJson, artefactDigest } = await signatures.signStatement({
        requestId: randomUUID(),
        signer,
        artefact,
        format,
      });
      const bundle = { format: "bundle", bundle: bundleJson } as const;
      questions.push(
        await ask(`${format} by ${signer}`, artefactDigest, { material: bundle, observed: directoryThere }),
      );
    }
  }
  const sha256 = hash("sha256", "a log's batch", "buffer");
  const signed = await harness
    .as(CLARA)
    .signatures.signDigests({ requestId: randomUUID(), signer: "", sha256: [sha256] });
  const [{ signedDataDer: cms, artefactDigest } = { signedDataDer: Buffer.alloc(0), artefactDigest: "" }] =
    signed.signatures;
  const observed = { shape: "digest", hash: "sha256", digest: sha256 } as const;
  questions.push(await ask("a bare digest", artefactDigest, { material: { format: "cms", cms }, observed }));
  return questions;
}

it.skipIf(python === undefined)(
  `what the signing service signs holds in Python, with lists and recalls${python ? "" : ` (skipped: no Python has ${missing})`}`,
  async () => {
    const questions = await signEverything();
    const recall = { $case: "artefactDigest", value: "" } as const;
    const [[, first] = []] = questions;
    const { digest } = { digest: `sha256:${hash("sha256", manifestLines(first))}` };
    await harness.as().recalls.recall({
      ...{ requestId: randomUUID(), target: { ...recall, value: digest }, reason: "poisoned", dryRun: false },
    });
    await expect.poll(async () => JSON.stringify(await payloadOf(digest as Digest))).toContain(digest);
    const recalled = await recallEvidence(digest as Digest);
    writeCases(directory, "service", [
      ...questions,
      ...questions.map(([what, question]): NamedQuestion => [`${what}, recalled`, { ...question, recall: recalled }]),
      ...questions.map(
        ([what, question]): NamedQuestion => [
          `${what}, without lists`,
          { ...question, trust: { ...question.trust, revocation: {} } },
        ],
      ),
    ]);
    expect(await pytest(python ?? "", ["tests/test_signing_service.py"], { VCC_CASES: directory })).toMatch(
      /^\d+ passed/,
    );
  },
  PYTHON_MS,
);

/** The lines of `sha256sum` in a manifest, whose hash is the artefact's digest. */
function manifestLines(question: ArtefactQuestion | undefined): string {
  if (question?.material.format !== "manifest") throw new Error("the first is a manifest");
  return Buffer.from(question.material.manifest).toString().split("\n").slice(3).join("\n");
}

async function payloadOf(digest: Digest): Promise<unknown> {
  const { bundle } = await recallEvidence(digest);
  const { dsseEnvelope } = JSON.parse(bundle.toString());
  return JSON.parse(Buffer.from(dsseEnvelope.payload, "base64").toString());
}
