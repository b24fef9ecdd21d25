import { hash } from "node:crypto";
import { ARTEFACT_TYPES, type TrustPolicy } from "@vcc-pki/artefact";
import { attributeValues, type Certificate, OID } from "@vcc-pki/x509";
import { UsageError } from "./usage.ts";

/** As the ceremonies name it. */
const CODE_SIGNING_CA = "VCC Code Signing CA";
const TRUST_DOMAIN = "vcc.internal";

/** The authorities of a suite's bundle that issue to signers. */
export const codeSigningAuthorities = (bundle: readonly Certificate[]): Certificate[] =>
  bundle.filter(({ subject }) => attributeValues(subject, OID.commonName).includes(CODE_SIGNING_CA));

/** "*" for any signer of the organisation. */
export const signerPattern = (organisation: string, signer: string): string =>
  `spiffe://${TRUST_DOMAIN}/org/${organisation}/service/${signer}`;

/** What to believe of a local suite when no policy is given: its code signing authority, about services of this organisation; online nothing
 *  whose revocation is not known. What it leaves open about recalls is for who knows where the lists are. Throws UsageError when there is no such authority in the bundle. */
export function localTrustPolicy(
  bundle: readonly Certificate[],
  { organisation, isOnline }: { readonly organisation: string; readonly isOnline: boolean },
): TrustPolicy {
  const issuers = codeSigningAuthorities(bundle);
  if (issuers.length === 0) {
    throw new UsageError(`--trust-policy FILE says whom to believe: there is no ${CODE_SIGNING_CA} of a local suite`);
  }
  return {
    issuers: issuers.map(({ spkiDer }) => `sha256:${hash("sha256", spkiDer)}` as const),
    identities: [signerPattern(organisation, "*")],
    organisation,
    types: [...ARTEFACT_TYPES],
    revocation: isOnline ? "required" : "where-known",
  };
}
