import { type CadesQuestion, type Certificate, type Check, trustAnchors, verifyCadesSignature } from "@vcc-pki/x509";
import { type ArtefactTrust, signerTrust } from "./signer-trust.ts";
import type { TrustPolicy } from "./trust-policy.ts";

/** What a signature came to, in whichever format. */
export interface SignatureFindings {
  readonly checks: readonly Check[];
  readonly signer: Certificate | undefined;
  /** By its time stamp, and only when that is sound and trusted. */
  readonly signedAt: Date | undefined;
}

/** Looks at a detached CMS signature (CAdES-B-T) of an artefact: what was signed, when, and by whom. */
export function verifyCmsSignature(
  cms: Uint8Array,
  about: Pick<CadesQuestion, "content" | "mimeType">,
  trust: ArtefactTrust,
  policy: TrustPolicy,
): SignatureFindings {
  const { checks, signer, timeStamp } = verifyCadesSignature(cms, {
    ...about,
    trust: signerTrust(trust, policy),
    timeStamp: timeStampQuestion(trust, policy),
  });
  return { checks, signer, signedAt: timeStamp?.at };
}

/** Whose time stamps count: units under the anchors for time stamps, which were not revoked when they stamped. */
export const timeStampQuestion = (trust: ArtefactTrust, policy: TrustPolicy): CadesQuestion["timeStamp"] => ({
  policies: policy.timeStampPolicies,
  certificates: trust.intermediates ?? [],
  trust: trustAnchors({
    anchors: trust.timeStampAnchors,
    intermediates: trust.intermediates ?? [],
    ...(trust.revocation && { revocation: trust.revocation }),
    requireRevocation: policy.revocation === "required",
  }),
});
