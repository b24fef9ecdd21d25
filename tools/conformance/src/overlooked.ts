import { TIME_STAMP_CORRUPTIONS } from "@vcc-pki/x509/time-stamp-corruptions";

/** What a judge does, and the corruptions that it accepts for that. */
export type Overlooked = Readonly<Record<string, readonly string[]>>;

const LONG_LENGTHS = ["a length of more octets than needed", "over-long length"];
const VERSIONS = ["TSTInfo of version 2", "SignedData of version 1", "SignerInfo of version 3"];
const CONTENT_TYPES = ["no contentType", "a contentType of data"];
const FRONT = ["a digest algorithm that is not in front", "no digest algorithm in front"];
const ALGORITHMS = ["another signature algorithm", "a signature algorithm of another kind of key"];
const PROTECTION = ["other algorithms under the signature", "another signature algorithm under the signature"];
const NAMED_CERTIFICATE = [
  "no certificate named under the signature",
  "another certificate named under the signature",
  "a certificate of the same name named under the signature",
  "a flipped bit in the hash of the certificate",
  "a certificate named by another number",
];
const USAGE_PERIOD = { "does not look at privateKeyUsagePeriod": ["a time after the key's use"] };
const AUTHORITY = { "does not compare the authority's name": ["the name of another authority"] };
const EXTENSIONS = { "does not look at extensions of TSTInfo": ["a critical extension"] };

/** By judge of time stamps. A judge that refuses what is said here, or accepts what is not, fails. */
export const OVERLOOKED: Readonly<Record<string, Overlooked>> = {
  openssl: opensslOverlooks(),
  "rfc3161-client": {
    "does not look at versions": VERSIONS,
    "takes a message without signed attributes": ["no signed attributes"],
    "takes attributes as they come": ["an attribute twice"],
    "does not look at contentType": CONTENT_TYPES,
    "takes the hash from the digest algorithm, the rest from the key": ALGORITHMS,
    "does not look at signingCertificateV2": NAMED_CERTIFICATE,
    "does not know CMSAlgorithmProtection": PROTECTION,
    "counts the purposes that OpenSSL knows": ["an unknown purpose beside"],
    "takes a CA for a unit": ["a CA's certificate"],
    ...{ ...USAGE_PERIOD, ...EXTENSIONS, ...AUTHORITY },
  },
  bouncycastle: {
    "reads BER": LONG_LENGTHS,
    "does not look at the type of ContentInfo": ["another content in ContentInfo"],
    "does not look at versions": VERSIONS,
    "reads fractions as BER has them": ["a fraction with a zero at its end"],
    "does not look at the digest algorithms in front": FRONT,
    "does not look at keyUsage": ["a key for encryption as well"],
    "takes a CA for a unit": ["a CA's certificate"],
    ...{ ...USAGE_PERIOD, ...EXTENSIONS, ...AUTHORITY },
  },
  sigstore: {
    "does not look behind the token": ["an octet behind it", "trailing byte"],
    "does not look at the type of the content": ["content of type data"],
    "does not look at versions": VERSIONS,
    "takes a message without signed attributes": ["no signed attributes"],
    "takes attributes as they come": ["an attribute twice"],
    "does not look at contentType": CONTENT_TYPES,
    "does not look at the digest algorithms in front": FRONT,
    "does not look at signingCertificateV2": NAMED_CERTIFICATE,
    "does not know CMSAlgorithmProtection": PROTECTION,
    "counts the purposes that Go knows": ["an unknown purpose beside"],
    "does not look at keyUsage": ["a key for encryption as well"],
    "takes a CA for a unit": ["a CA's certificate"],
    "verifies certificates as of now": ["a time before the certificate"],
    ...{ ...USAGE_PERIOD, ...EXTENSIONS, ...AUTHORITY },
  },
};

/** libs/x509 has these beside the corruptions, for its own tests. */
function opensslOverlooks(): Overlooked {
  const accepted = TIME_STAMP_CORRUPTIONS.filter(({ overlookedByOpenssl }) => overlookedByOpenssl !== undefined);
  const entries = [
    ...accepted.map(({ what, overlookedByOpenssl: reason = "" }) => ({ what, reason })),
    { what: "trailing byte", reason: "reads the first value and nothing behind it" },
    { what: "over-long length", reason: "reads BER" },
    { what: "changed TBS byte", reason: "takes another certificate than the spoilt one, where it has one" },
  ];
  const byReason = Map.groupBy(entries, ({ reason }) => reason);
  return Object.fromEntries([...byReason].map(([reason, same]) => [reason, same.map(({ what }) => what)]));
}

/** Why this judge accepts this corrupted time stamp; undefined: it has to refuse it. */
export const findOverlooked = (judge: string, what: string): string | undefined => reasonIn(OVERLOOKED[judge], what);

export const reasonIn = (overlooked: Overlooked = {}, what: string): string | undefined =>
  Object.entries(overlooked).find(([, corruptions]) => corruptions.includes(what))?.[0];
