import { PkiError } from "@vcc-pki/errors";
import {
  type CadesQuestion,
  type Certificate,
  type Check,
  complete,
  DSSE_CHECKS,
  trustAnchors,
  verifyCadesSignature,
  verifyDsseSignature,
} from "@vcc-pki/x509";
import { type Bundle, parseBundle } from "../bundle/bundle.ts";
import { IN_TOTO_PAYLOAD_TYPE } from "../statement/in-toto.ts";
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

/** Looks at a bundle of an artefact: its envelope, when that was signed, and by whom. `payload` is what was signed, true or not. */
export function verifyBundleSignature(
  octets: Uint8Array,
  trust: ArtefactTrust,
  policy: TrustPolicy,
): SignatureFindings & { readonly payload: Uint8Array | undefined } {
  let bundle: Bundle;
  try {
    bundle = parseBundle(octets);
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    const checks = complete([{ ...WELL_FORMED, ok: false, reason: error.message }], DSSE_CHECKS);
    return { checks, signer: undefined, signedAt: undefined, payload: undefined };
  }
  const { envelope, certificates, timeStamps } = bundle;
  const { checks, signer, timeStamp } = verifyDsseSignature(envelope, {
    ...{ payloadType: IN_TOTO_PAYLOAD_TYPE, certificates, timeStamps },
    trust: signerTrust(trust, policy),
    timeStamp: timeStampQuestion(trust, policy),
  });
  return { checks: [WELL_FORMED, ...checks], signer, signedAt: timeStamp?.at, payload: envelope.payload };
}

const WELL_FORMED: Check = { name: "well-formed", ok: true };

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
