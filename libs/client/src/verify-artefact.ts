import {
  type ArtefactTrust,
  type ArtefactVerification,
  type Expected,
  type Observed,
  type TrustPolicy,
  verdictsOf,
  verifySignedArtefact,
} from "@vcc-pki/artefact";
import { checkContents, isModel } from "./contents/check-contents.ts";
import type { FlaggedFile } from "./contents/flags.ts";
import type { HashedFile } from "./hashing/hash-tree.ts";
import { type ObservedArtefact, type ObserveOptions, observeArtefact } from "./observe-artefact.ts";
import { askOnline, type Online } from "./online/ask-online.ts";
import type { GatheredEvidence } from "./online/revocation-evidence.ts";
import { resourcesOf, shardsOf } from "./resources-of.ts";

export interface VerifyOptions extends ObserveOptions {
  /** The relying party's own; nothing that comes with a signature is trusted. */
  readonly trust: ArtefactTrust;
  readonly policy: TrustPolicy;
  readonly expected?: Expected | undefined;
  /** Ask about revocation, and for how long what was once said counts when nobody can be reached. Unless given, nobody is asked, and what
   *  `trust` brings along is what is known. */
  readonly online?: Online | undefined;
}

export type VerifiedArtefact = ArtefactVerification & {
  readonly files: readonly HashedFile[];
  /** Of a model, or of what says that it is one. */
  readonly flagged: readonly FlaggedFile[];
  /** Who could not be asked about revocation and recalls, and why. */
  readonly problems: GatheredEvidence["problems"];
};

/** Whether an artefact on disk may be used. Every file is hashed, and copied if asked; the copy is there when everything holds and at no other
 *  time. Throws for what makes it no artefact, as `observeArtefact` does; what is wrong with a signature is a verdict. */
export async function verifyArtefact(path: string, options: VerifyOptions): Promise<VerifiedArtefact> {
  // 1. What vouches for it is read, and what there is hashed.
  const observed = await observeArtefact(path, options);
  try {
    // 2. Who has to know is asked about revocation and recalls.
    const there = seen(observed);
    const { trust, recall, policy, problems } = await askOnline(observed.signature.material, there, options);

    // 3. Signature, time stamp, signer, statement and files are judged.
    const { expected = {} } = options;
    const verification = verifySignedArtefact({
      ...{ material: observed.signature.material, observed: there, trust, policy, expected, recall },
    });

    // 4. What is in it is looked into, as far as its type asks for that.
    const judged = withContents(verification, observed);
    if (judged.ok) observed.copy?.commit();
    const type = (judged.ok ? judged.facts : judged.claimed)?.type ?? "";
    return { ...judged, files: observed.files, flagged: isModel(type) ? observed.flagged : [], problems };
  } finally {
    observed.copy?.discard();
  }
}

function seen({ isDirectory, files, shardOctets }: ObservedArtefact): Observed {
  const shape = isDirectory ? "directory" : "file";
  if (shardOctets === undefined) return { shape, resources: resourcesOf(files) };
  return { shape, shardOctets, shards: shardsOf(files) };
}

function withContents(verification: ArtefactVerification, { files, flagged }: ObservedArtefact): ArtefactVerification {
  const facts = verification.ok ? verification.facts : verification.claimed;
  if (facts === undefined) return verification;
  const contents = checkContents(facts.type, files, flagged);
  const verdicts = [...verification.verdicts, ...verdictsOf(contents)];
  if (!verification.ok || contents.every(({ ok }) => ok)) return { ...verification, verdicts };
  return { ok: false, verdicts, claimed: facts };
}
