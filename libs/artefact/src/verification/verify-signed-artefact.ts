import type { Certificate } from "@vcc-pki/x509";
import type { Digest } from "../digest.ts";
import type { ArtefactFacts, ArtefactType } from "../facts.ts";
import { MANIFEST_MIME_TYPE } from "../manifest.ts";
import { checkRecall, type RecallRecords } from "../recall/recall-checks.ts";
import type { RecallEvidence } from "../recall/verify-recall-list.ts";
import type { Statement } from "../statement/statement.ts";
import { checkFactsAgainst, type Expected } from "./facts-checks.ts";
import { digestObserved, digestText, type Observed, type ObservedDigest } from "./observed.ts";
import { type SignatureFindings, verifyBundleSignature, verifyCmsSignature } from "./signature.ts";
import { compareWithSigned, readSigned, type SignedOctets } from "./signed-statement.ts";
import { type ArtefactTrust, signerIdentity } from "./signer-trust.ts";
import type { TrustPolicy } from "./trust-policy.ts";
import { type Verdict, verdictsOf } from "./verdicts.ts";

/** What vouches for an artefact, as it was found. */
export type SignatureMaterial =
  | { readonly format: "manifest"; readonly manifest: Uint8Array; readonly cms: Uint8Array }
  /** Over the artefact's digest alone. */
  | { readonly format: "cms"; readonly cms: Uint8Array }
  /** An envelope with its certificates and time stamp: of OpenSSF Model Signing, of sigstore's strict form, or an attestation. */
  | { readonly format: "bundle"; readonly bundle: Uint8Array };

export interface ArtefactQuestion {
  readonly material: SignatureMaterial;
  readonly observed: Observed;
  readonly trust: ArtefactTrust;
  readonly policy: TrustPolicy;
  /** What the caller wants to use it as. */
  readonly expected?: Expected;
  /** The recall list of the shard of its digest; or what the signing service knows. */
  readonly recall?: RecallEvidence | RecallRecords | undefined;
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
  recall,
}: ArtefactQuestion): ArtefactVerification {
  // 1. What is there has one digest, and the signature is over a manifest, over this digest, or over the payload of an envelope.
  const there = digestObserved(observed);
  const { found, signed } = lookAtSignature(material, there.digest ?? NOTHING, trust, policy);

  // 2. What was signed is read in its one form.
  const { statement, checks: form } = readSigned(signed);
  const checks = [...there.checks, ...found.checks, ...form];

  // 3. What it says is what the policy allows and the caller expects; what is there is what it lists.
  const facts = statement === "untyped" ? undefined : statement?.facts;
  if (statement !== undefined) {
    checks.push(...checkFactsAgainst({ facts, type: typeOf(statement), signer: found.signer, policy, expected }));
    if (statement !== "untyped") checks.push(...compareWithSigned(statement, observed));
  }

  // 4. It was not recalled since.
  const { signer: certificate, signedAt } = found;
  const identity = certificate && signerIdentity(certificate);
  const digest = there.digest && digestText(there.digest);
  const judged = identity && signedAt && { digest, signer: identity, signedAt };
  checks.push(...checkRecall(judged, recall, trust, policy));

  const verdicts = verdictsOf(checks);
  const isWhole = statement && identity && certificate && signedAt && there.digest;
  if (!isWhole || verdicts.some(({ ok }) => !ok)) return { ok: false, verdicts, claimed: facts };
  const signer = { uri: identity.uri, organisation: identity.organisation, certificate };
  return { ok: true, verdicts, artefactDigest: digest, facts, signer, signedAt };
}

const typeOf = (statement: Statement | "untyped"): ArtefactType | "untyped" => {
  if (statement === "untyped") return statement;
  return statement.facts?.type ?? ("impliedType" in statement ? statement.impliedType : "untyped");
};

const NOTHING = { shape: "digest", hash: "sha256", digest: new Uint8Array() } as const;

function lookAtSignature(
  material: SignatureMaterial,
  digest: ObservedDigest,
  trust: ArtefactTrust,
  policy: TrustPolicy,
): { readonly found: SignatureFindings; readonly signed: SignedOctets } {
  switch (material.format) {
    case "manifest": {
      const { manifest: octets, cms } = material;
      const about = { content: octets, mimeType: MANIFEST_MIME_TYPE };
      return { found: verifyCmsSignature(cms, about, trust, policy), signed: { form: "manifest", octets } };
    }
    case "cms":
      return {
        found: verifyCmsSignature(material.cms, { content: digest }, trust, policy),
        signed: { form: "digest" },
      };
    case "bundle": {
      const found = verifyBundleSignature(material.bundle, trust, policy);
      return { found, signed: { form: "payload", octets: found.payload } };
    }
  }
}
