import { CADES_CORRUPTIONS } from "@vcc-pki/x509/cades-corruptions";
import { type Overlooked, reasonIn } from "./overlooked.ts";

const TIME_STAMPS = CADES_CORRUPTIONS.filter(({ check }) => check.startsWith("time-stamp")).map(({ what }) => what);

/** By judge: what it does with signatures, and the corruptions that it accepts for that. */
export const OVERLOOKED_SIGNATURES: Readonly<Record<string, Overlooked>> = {
  openssl: opensslOverlooks(),
  gnutls: {
    "takes the first that fits": ["a certificate of the same name and number beside"],
    "does not look at versions": ["SignedData of version 3"],
    "takes a signature over bare content": ["no signed attributes"],
    "takes the hash from the signature": ["no digest algorithm in front", "another digest algorithm"],
    "does not look at signingCertificateV2": ["no name of its certificate", "the name of another certificate"],
    "does not look at CMSAlgorithmProtection": ["other algorithms under the signature"],
    "takes content from either place": ["the content in the message"],
    "takes any type": ["another type of content"],
    "does not ask for it": ["no signing time"],
    "does not read it": ["a signing time that is none"],
    "does not look at it": ["a MIME type that was not asked for"],
    "does not look at unsigned attributes": TIME_STAMPS,
  },
  bouncycastle: {
    "does not look at the type of ContentInfo": ["another type of message"],
    "takes the first that fits": ["a certificate of the same name and number beside"],
    "does not look at versions": ["SignedData of version 3"],
    "takes a signature over bare content": ["no signed attributes"],
    "does not look at the digest algorithms in front": ["no digest algorithm in front"],
    "does not look at signingCertificateV2": ["no name of its certificate", "the name of another certificate"],
    "takes the content that it is given": ["the content in the message"],
    "takes any type": ["another type of content"],
    "does not ask for it": ["no signing time"],
    "does not look at it": ["a MIME type that was not asked for"],
    "looks at each": ["two time stamps"],
  },
};

/** libs/x509 has these beside the corruptions, for its own tests. */
function opensslOverlooks(): Overlooked {
  const accepted = CADES_CORRUPTIONS.filter(({ overlookedByOpenssl }) => overlookedByOpenssl !== undefined);
  const byReason = Map.groupBy(accepted, ({ overlookedByOpenssl = "" }) => overlookedByOpenssl);
  return Object.fromEntries([...byReason].map(([reason, same]) => [reason, same.map(({ what }) => what)]));
}

/** Why this judge accepts this corrupted signature; undefined: it has to refuse it. */
export const findOverlookedSignature = (judge: string, what: string): string | undefined =>
  reasonIn(OVERLOOKED_SIGNATURES[judge], what);
