import { PkiError } from "@vcc-pki/errors";
import type { Certificate, Check } from "@vcc-pki/x509";
import { artefactDigest, type Digest } from "../digest.ts";
import type { ArtefactFacts } from "../facts.ts";
import { MANIFEST_MIME_TYPE, type Manifest, parseManifest } from "../manifest.ts";
import { verifyCmsSignature } from "./cms-signature.ts";
import { compareResources } from "./compare-resources.ts";
import { checkFactsAgainst, type Expected } from "./facts-checks.ts";
import { digestObserved, type Observed, type ObservedDigest } from "./observed.ts";
import { type ArtefactTrust, signerIdentity } from "./signer-trust.ts";
import type { TrustPolicy } from "./trust-policy.ts";
import { type Verdict, verdictsOf } from "./verdicts.ts";

/** What vouches for an artefact, as it was found. */
export type SignatureMaterial =
  | { readonly format: "manifest"; readonly manifest: Uint8Array; readonly cms: Uint8Array }
  /** Over the artefact's digest alone. */
  | { readonly format: "cms"; readonly cms: Uint8Array };

export interface ArtefactQuestion {
  readonly material: SignatureMaterial;
  readonly observed: Observed;
  readonly trust: ArtefactTrust;
  readonly policy: TrustPolicy;
  /** What the caller wants to use it as. */
  readonly expected?: Expected;
}

export interface Signer {
  /** Its SPIFFE ID. */
  readonly uri: string;
  readonly organisation: string;
  readonly certificate: Certificate;
}

export type ArtefactVerification =
  | {
      readonly ok: true;
      readonly verdicts: readonly Verdict[];
      /** Undefined for a bare digest that is not of SHA-256. */
      readonly artefactDigest: Digest | undefined;
      /** Undefined for a bare digest. */
      readonly facts: ArtefactFacts | undefined;
      readonly signer: Signer;
      /** By the time stamp. */
      readonly signedAt: Date;
    }
  | {
      readonly ok: false;
      readonly verdicts: readonly Verdict[];
      /** What is said of the artefact, which is not to be believed. */
      readonly claimed: ArtefactFacts | undefined;
    };

/** What was signed: a manifest, or of a bare digest nothing that says what it is. */
type Statement = Manifest | "untyped";

/**
 * Whether an artefact that is there may be used, by what vouches for it: in this order, signature, time stamp, signer, what is said of the artefact, and
 * every file of it. The time is that of the time stamp; no clock is asked. All of it is looked at even when something fails, and a thing that cannot be
 * looked at fails. Throws for nothing that the material or the artefact holds.
 */
export function verifySignedArtefact({
  material,
  observed,
  trust,
  policy,
  expected = {},
}: ArtefactQuestion): ArtefactVerification {
  // 1. What is there has one digest, and the signature is over the octets of the manifest, or over this digest.
  const there = digestObserved(observed);
  const about =
    material.format === "manifest"
      ? { content: material.manifest, mimeType: MANIFEST_MIME_TYPE }
      : { content: there.digest ?? NOTHING };
  const found = verifyCmsSignature(material.cms, about, trust, policy);

  // 2. What was signed is read in its one form.
  const { statement, checks: form } = readStatement(material);
  const checks = [...there.checks, ...found.checks, ...form];

  // 3. What it says is what the policy allows and the caller expects; what is there is what it lists.
  const facts = statement === "untyped" ? undefined : statement?.facts;
  if (statement !== undefined) {
    checks.push(...checkFactsAgainst({ facts, signer: found.signer, policy, expected }));
    if (statement !== "untyped") checks.push(...compareWith(statement, observed));
  }

  const verdicts = verdictsOf(checks);
  const { signer: certificate, signedAt } = found;
  const identity = certificate && signerIdentity(certificate);
  const isWhole = statement && identity && certificate && signedAt && there.digest;
  if (!isWhole || verdicts.some(({ ok }) => !ok)) return { ok: false, verdicts, claimed: facts };
  const signer = { uri: identity.uri, organisation: identity.organisation, certificate };
  return { ok: true, verdicts, artefactDigest: digestText(there.digest), facts, signer, signedAt };
}

const NOTHING = { hash: "sha256", digest: new Uint8Array() } as const;

function readStatement(material: SignatureMaterial): {
  readonly statement: Statement | undefined;
  readonly checks: readonly Check[];
} {
  if (material.format === "cms") return { statement: "untyped", checks: [] };
  try {
    return { statement: parseManifest(material.manifest), checks: [{ name: "statement", ok: true }] };
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    return { statement: undefined, checks: [{ name: "statement", ok: false, reason: error.message }] };
  }
}

function compareWith(signed: Manifest, observed: Observed): Check[] {
  if (observed.shape === "digest") {
    const isSame = artefactDigest(signed.shape, signed.resources) === digestText(observed);
    return [{ name: "resources-changed", ok: isSame }];
  }
  return [
    { name: "shape", ok: signed.shape === observed.shape },
    ...compareResources(signed.resources, observed.resources),
  ];
}

const digestText = ({ hash, digest }: ObservedDigest): Digest | undefined =>
  hash === "sha256" ? `sha256:${digest.toHex()}` : undefined;
