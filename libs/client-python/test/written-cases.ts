import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ArtefactQuestion,
  type ArtefactTrust,
  type Observed,
  type RecallEvidence,
  type SignatureMaterial,
  verifySignedArtefact,
} from "@vcc-pki/artefact";
import type { Certificate, RevocationEvidence } from "@vcc-pki/x509";
import { afterAll } from "vitest";

/** A question about an artefact, as it is asked in TypeScript, and what it is called. */
export type NamedQuestion = readonly [what: string, question: ArtefactQuestion];

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString("base64");
const ders = (all: readonly { readonly der: Uint8Array }[] = []): string[] => all.map(({ der }) => base64(der));
const certificates = (all: readonly Certificate[] = []): string[] => ders(all);

/** Writes questions and what TypeScript says of each, verdict by verdict, for Python to say the same. */
export function writeCases(directory: string, name: string, questions: readonly NamedQuestion[]): void {
  const cases = questions.map(([what, question]) => {
    const { verdicts, ok } = verifySignedArtefact(question);
    return {
      ...{
        what,
        ok,
        verdicts: verdicts.map(({ name, ok, code, isWaived = false }) => [name, ok, code ?? null, isWaived]),
      },
      ...{ material: material(question.material), observed: observed(question.observed) },
      trust: writtenTrust(question.trust),
      ...{ policy: question.policy, expected: question.expected ?? {} },
      recall: question.recall && "bundle" in question.recall ? recall(question.recall) : null,
    };
  });
  writeFileSync(join(directory, `${name}.json`), JSON.stringify(cases));
}

export const writtenTrust = ({ anchors, timeStampAnchors, intermediates, revocation }: ArtefactTrust) => ({
  ...{ anchors: certificates(anchors), stamps: certificates(timeStampAnchors) },
  ...{ intermediates: certificates(intermediates), revocation: revocation ? evidence(revocation) : null },
});

/** A directory for cases that is gone when the tests of a file have run. */
export function newCaseDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "vcc-cases-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function material(of: SignatureMaterial) {
  switch (of.format) {
    case "manifest":
      return { format: of.format, manifest: base64(of.manifest), cms: base64(of.cms) };
    case "cms":
      return { format: of.format, cms: base64(of.cms) };
    case "bundle":
      return { format: of.format, bundle: base64(of.bundle) };
  }
}

function observed(there: Observed) {
  if (there.shape === "digest") return { shape: there.shape, hash: there.hash, digest: base64(there.digest) };
  if ("shards" in there) return there;
  return { shape: there.shape, resources: there.resources };
}

const evidence = ({ crls, now }: RevocationEvidence) => ({ crls: ders(crls), now: now?.toISOString() ?? null });

const recall = ({ bundle, at, graceMs, lastNumber = 0 }: RecallEvidence) => ({
  ...{ bundle: base64(bundle), at: at.toISOString(), graceMs, lastNumber },
});
