import { type Digest, isDigest } from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import type { CreateSignerRequest, RecallRequest, RecordUsageRequest } from "@vcc-pki/proto/signing";
import type { SpiffeId } from "@vcc-pki/rpc";
import type { SignerWish } from "./enrolment.ts";
import type { RecallTarget } from "./recall.ts";
import { isSignerKeyAlgorithm } from "./signer-key.ts";
import { USAGE_ACTIONS } from "./store/usages.ts";
import type { ReportedUsage } from "./usage.ts";

/** As the last part of a workload's SPIFFE id. */
const SIGNER = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const MAX_DIGESTS = 100;
const SHA256_OCTETS = 32;
const MAX_ID = 64;
const MAX_DATASET = 256;
const MAX_REASON = 500;
const MAX_CONTEXT = 256;
const MAX_TIMES = 1_000_000;

/** Empty: the workload itself. Throws REQUEST_MALFORMED. */
export function parseSigner(signer: string, requester: SpiffeId): string {
  if (signer === "" && requester.kind === "workload") return requester.service;
  if (!SIGNER.test(signer)) throw malformed("a signer is named as workloads are");
  return signer;
}

/** Throws REQUEST_MALFORMED, KEY_NOT_ALLOWED, PROFILE_NOT_ALLOWED. */
export function parseSignerWish(
  { signer, keyAlgorithm, profile }: CreateSignerRequest,
  profiles: readonly string[],
): Omit<SignerWish, "organisation"> {
  if (!SIGNER.test(signer)) throw malformed("a signer is named as workloads are");
  const wanted = { keyAlgorithm: keyAlgorithm || "ec-p256", profile: profile || "code_signing" };
  if (!isSignerKeyAlgorithm(wanted.keyAlgorithm))
    throw new PkiError("KEY_NOT_ALLOWED", `signers have no keys of kind "${keyAlgorithm}"`);
  if (!profiles.includes(wanted.profile))
    throw new PkiError("PROFILE_NOT_ALLOWED", "this profile is not one of signers");
  return { signer, profile: wanted.profile, keyAlgorithm: wanted.keyAlgorithm };
}

/** "sha256:" and hex. Throws REQUEST_MALFORMED. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw malformed("a digest is sha256: and 64 lower-case hex digits");
  return text;
}

/** Throws REQUEST_MALFORMED. */
export function parseRecallTarget(target: RecallRequest["target"]): RecallTarget {
  switch (target?.$case) {
    case "artefactDigest":
      return { kind: "artefact", digest: parseDigest(target.value) };
    case "signerSince": {
      const { signer, signerKeyId, since = new Date(0) } = target.value;
      if (!SIGNER.test(signer) || signerKeyId.length > MAX_ID) throw malformed("a signer is named as workloads are");
      return { kind: "signer", signer, signerKeyId, since };
    }
    case "dataset":
      if (!isText(target.value, MAX_DATASET)) throw malformed("the dataset has no name");
      return { kind: "dataset", dataset: target.value };
    case undefined:
      throw malformed("the target is missing");
  }
}

/** Throws REQUEST_MALFORMED. */
export function parseUsage({ signatureId, action, context, times }: RecordUsageRequest): ReportedUsage {
  const known = USAGE_ACTIONS.find((each) => each === action);
  if (known === undefined) throw malformed(`a usage is ${USAGE_ACTIONS.join(", ")}`);
  if (context !== "" && !isText(context, MAX_CONTEXT)) throw malformed("the context is too long, or no text");
  if (times > MAX_TIMES) throw malformed(`more than ${MAX_TIMES} times at once`);
  return { signatureId, action: known, context, times: times || 1 };
}

/** For people. Throws REQUEST_MALFORMED. */
export function parseReason(reason: string): string {
  if (!isText(reason, MAX_REASON)) throw malformed(`a reason has 1 to ${MAX_REASON} characters`);
  return reason;
}

const isText = (text: string, maxCharacters: number): boolean =>
  text.trim() !== "" && text.length <= maxCharacters && text.isWellFormed() && !/\p{Cc}/u.test(text);

/** SHA-256 each, 1 to 100. Throws REQUEST_MALFORMED. */
export function parseDigests(digests: readonly Uint8Array[]): readonly Uint8Array[] {
  if (digests.length === 0 || digests.length > MAX_DIGESTS) throw malformed(`1 to ${MAX_DIGESTS} digests`);
  if (digests.some(({ length }) => length !== SHA256_OCTETS)) throw malformed("a digest is not SHA-256");
  return digests;
}

export const malformed = (why: string): PkiError => new PkiError("REQUEST_MALFORMED", why);
