import { PkiError } from "@vcc-pki/errors";
import {
  attributeValues,
  type CertificationRequest,
  checkPublicKey,
  type KeyBlocklist,
  OID,
  parseSpiffeId,
} from "@vcc-pki/x509";
import { type NameScope, type RequestedNames, requireCounts, requireOwnership, requireSyntax } from "./names.ts";
import { admitsKey, type Profile } from "./profile.ts";
import type { RequesterRule } from "./profile-config.ts";

/** What is asked, by whom, and what the checks may look up. */
export interface CheckInput {
  readonly csr: CertificationRequest;
  readonly names: RequestedNames;
  readonly profile: Profile;
  readonly scope: NameScope;
  /** The rules of a profile's `requesters` that the requester fulfils. */
  readonly standing: readonly RequesterRule[];
  /** Keys that others are known to have. */
  readonly blocklist: KeyBlocklist | undefined;
  /** Who the requested key was certified for before. */
  readonly findKeyHolder: () => { readonly organisation: string; readonly purpose: string } | undefined;
  /** Whether it is the key of one of our authorities. */
  readonly isAuthorityKey: () => boolean;
  /** The sets of names the requester holds valid certificates of this profile for. Asked for workloads only. */
  readonly findHeldNames: () => readonly RequestedNames[];
  /** What has been granted for a service of the organisation, in force. */
  readonly findGrants: (service: string) => readonly Grant[];
}

interface Grant {
  readonly profile: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/** A check throws the reason for its refusal, or rejects with it when it took another thread to find out. */
export type Check = readonly [name: string, check: (input: CheckInput) => void | Promise<void>];

/** Everything a request must fulfil, in this order: who asks before what is asked, what is cheap before what costs time. */
export const CHECKS: readonly Check[] = [
  ["the requester may ask for this profile", requireStanding],
  ["the request asks for a key and names, nothing else", requireNothingElse],
  ["there are not too many and not too few names", ({ names, profile }) => requireCounts(names, profile.names)],
  ["names are well formed", ({ names, profile }) => requireSyntax(names, profile.names)],
  [
    "names belong to the organisation and fit the profile",
    ({ names, profile, scope }) => requireOwnership(names, profile.names, scope),
  ],
  ["the common name repeats a name", requireCommonName],
  ["a workload renews what it holds", requireHeldNames],
  ["what is not the requester's own is granted to it", requireGrant],
  ["the profile admits the kind of key", requireKeyKind],
  ["the key is strong", requireStrongKey],
  ["the requester holds the private key", requirePossession],
  ["the key is none of our authorities'", requireForeignKey],
  ["the key serves one organisation and one purpose", requireKeyHolder],
];

function requireStanding({ profile, standing }: CheckInput): void {
  if (!profile.requesters.some((rule) => standing.includes(rule))) {
    throw new PkiError("PROFILE_NOT_ALLOWED", `this requester may not ask for ${profile.profile}`);
  }
}

/** Nothing but the key and the names is taken from a request, and what is not taken must not be asked for: a requester who
 *  wants a key usage, a basic constraint or a challenge password is told so instead of being ignored. */
function requireNothingElse({ csr }: CheckInput): void {
  const refuse = (what: string) => new PkiError("CSR_CONTENT_NOT_ALLOWED", `the request contains ${what}`);
  if (csr.attributes.some(({ oid }) => oid !== OID.extensionRequest))
    throw refuse("an attribute besides extensionRequest");
  if (csr.extensions.some(({ oid }) => oid !== OID.subjectAltName)) throw refuse("an extension besides subjectAltName");
  const attributes = csr.subject.rdns.flat();
  if (attributes.some(({ oid }) => oid !== OID.commonName)) throw refuse("a subject attribute besides the common name");
  if (attributes.length > 1) throw refuse("several common names");
}

function requireCommonName({ csr, names }: CheckInput): void {
  if (csr.subject.rdns.length === 0) return;
  const [commonName = ""] = attributeValues(csr.subject, OID.commonName);
  const known = [...names.dns, ...names.uri, ...names.email, ...names.ip];
  if (!known.includes(commonName) && !known.includes(commonName.toLowerCase())) {
    throw new PkiError("NAME_NOT_ALLOWED", "the common name is not one of the subjectAltNames");
  }
}

function requireHeldNames({ names, standing, findHeldNames }: CheckInput): void {
  if (!standing.includes("workload")) return;
  const wanted = nameSet(names);
  if (!findHeldNames().some((held) => nameSet(held) === wanted)) {
    throw new PkiError("NAME_NOT_ALLOWED", "a workload may renew a certificate it holds, for the same names");
  }
}

const nameSet = ({ dns, ip, uri, email }: RequestedNames): string =>
  JSON.stringify([dns, ip, uri, email].map((list) => list.toSorted()));

/** Whether nothing but a grant gives the requester a right to this profile. */
export const asksByGrant = ({
  profile,
  standing,
}: {
  profile: Pick<Profile, "requesters">;
  standing: readonly RequesterRule[];
}): boolean => profile.requesters.filter((rule) => standing.includes(rule)).every((rule) => rule === "granted");

/** The SPIFFE id of one service, and no names but those of one of its grants. */
function requireGrant(input: CheckInput): void {
  if (!asksByGrant(input)) return;
  const { names, profile, scope, findGrants } = input;
  const [uri] = names.uri;
  if (uri === undefined) throw new PkiError("NAME_NOT_ALLOWED", "a service enrols under its SPIFFE id");
  const id = parseSpiffeId(uri, scope.trustDomain);
  const grants = id.kind === "workload" ? findGrants(id.service) : [];
  const covers = ({ dnsNames, ipAddresses, profile: granted }: Grant) =>
    granted === profile.profile &&
    names.dns.every((name) => dnsNames.includes(name)) &&
    names.ip.every((address) => ipAddresses.includes(address));
  if (!grants.some(covers))
    throw new PkiError("NAME_NOT_ALLOWED", "no grant in force covers this service with these names");
}

/** But for whether its point is on its curve, which shows when the proof of possession is verified. */
function requireStrongKey({ csr, profile: { minimumRsaBits }, blocklist }: CheckInput): void {
  checkPublicKey(csr.spkiDer, { minimumRsaBits, blocklist, isImportedLater: true });
}

function requireKeyKind(input: CheckInput): void {
  const { csr, profile } = input;
  const { keyAlgorithm } = csr;
  if (admitsKey(profile, keyAlgorithm)) return;
  requireStrongKey(input); // a weak key is called weak
  throw new PkiError("KEY_NOT_ALLOWED", `${profile.profile} admits no ${keyAlgorithm} keys`);
}

/** RFC 2986 section 3, step 3. */
async function requirePossession({ csr }: CheckInput): Promise<void> {
  if (!(await csr.verifySignatureInBackground()))
    throw new PkiError("CSR_SIGNATURE_INVALID", "the request is not signed by its own key");
}

function requireForeignKey({ isAuthorityKey }: CheckInput): void {
  if (isAuthorityKey()) throw new PkiError("KEY_NOT_ALLOWED", "this is the key of a certificate authority");
}

/** The answer does not tell whose key it is. */
function requireKeyHolder({ findKeyHolder, scope, profile }: CheckInput): void {
  const holder = findKeyHolder();
  if (holder !== undefined && (holder.organisation !== scope.organisation || holder.purpose !== profile.purpose))
    throw keyIsTaken();
}

export const keyIsTaken = (): PkiError =>
  new PkiError("KEY_NOT_ALLOWED", "this key has been certified for someone or something else");
