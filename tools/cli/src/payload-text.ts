import { hash } from "node:crypto";
import {
  keyAlgorithmOf,
  type NameSubtrees,
  nameToText,
  parseCertificationRequestInfo,
  parseTbsCertificate,
  parseTbsCertList,
  sha1KeyIdentifier,
  toHex,
} from "@vcc-pki/x509";

export type Entries = readonly (readonly [string, string | undefined])[];

/** What a custodian can read in each kind of payload. Every reader throws when the bytes are not what they claim to be. */
const READERS: Readonly<Record<string, (payload: Uint8Array) => Entries>> = {
  "tbs-certificate": certificateEntries,
  "tbs-cert-list": crlEntries,
  "certification-request-info": requestEntries,
  "subject-public-key-info": keyEntries,
  custodians: custodianEntries,
  "audit-checkpoint": (payload) => [["checkpoint", Buffer.from(payload).toString("utf8")]],
};

/** The structure that will be signed, taken apart by our own parsers. A kind that cannot be shown says so; an operation without
 *  a payload shows nothing. Throws CERTIFICATE_MALFORMED, CRL_MALFORMED or CSR_MALFORMED. */
export function describePayload(type: string, payload: Uint8Array): Entries {
  if (payload.length === 0) return [];
  const read = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  return [
    ["to be signed", type],
    ...(read?.(payload) ?? [["content", `${payload.length} bytes which this program cannot show`] as const]),
    ["sha-256", hash("sha256", payload, "hex")],
  ];
}

function certificateEntries(payload: Uint8Array): Entries {
  const tbs = parseTbsCertificate(payload);
  const { dns, ip, uri, email } = tbs.subjectAltNames;
  const { pathLength } = tbs.basicConstraints ?? {};
  return [
    ["subject", nameToText(tbs.subject) || "(none)"],
    ["names", [...dns, ...ip, ...uri, ...email].join("\n")],
    ["issuer", nameToText(tbs.issuer)],
    ["serial", tbs.serialHex],
    ["valid from", tbs.notBefore.toISOString()],
    ["valid to", tbs.notAfter.toISOString()],
    ["authority", tbs.isCa ? authorityText(pathLength) : "no"],
    ["key", `${tbs.keyAlgorithm}, identifier ${toHex(sha1KeyIdentifier(tbs.spkiDer))}`],
    ["key usage", tbs.keyUsage?.join(" ")],
    ["purposes", tbs.extendedKeyUsages?.join(" ")],
    ["only names", subtrees(tbs.known.nameConstraints?.permitted)],
    ["never names", subtrees(tbs.known.nameConstraints?.excluded)],
    ["extensions", tbs.extensions.map(({ oid, critical }) => (critical ? `${oid}!` : oid)).join(" ")],
  ];
}

const authorityText = (pathLength: number | undefined): string =>
  pathLength === undefined
    ? "yes, of any depth"
    : pathLength === 0
      ? "yes, the lowest"
      : `yes, ${pathLength} levels may be below`;

/** Name constraints by form; "every" is what the empty subtree means. */
function subtrees(names: NameSubtrees | undefined): string | undefined {
  if (names === undefined) return undefined;
  const { dns, ip, uri, email, directory, otherCount } = names;
  const texts = { dns, ip, uri, email, directory: directory.map(nameToText) };
  const lines = Object.entries(texts).flatMap(([form, list]) =>
    list.length === 0 ? [] : [`${form}: ${list.map((text) => text || "every").join(", ")}`],
  );
  return [...lines, ...(otherCount > 0 ? [`${otherCount} of other forms`] : [])].join("\n");
}

function crlEntries(payload: Uint8Array): Entries {
  const tbs = parseTbsCertList(payload);
  const newest = [...tbs.revoked()].slice(-20).map(({ serialHex, reason }) => `${serialHex} ${reason}`);
  return [
    ["issuer", nameToText(tbs.issuer)],
    ["number", String(tbs.crlNumber ?? "none")],
    ["this update", tbs.thisUpdate.toISOString()],
    ["next update", tbs.nextUpdate?.toISOString() ?? "none"],
    ["revoked", String(tbs.revokedCount)],
    [tbs.revokedCount > newest.length ? "the last of them" : "entries", newest.join("\n")],
  ];
}

function keyEntries(payload: Uint8Array): Entries {
  return [["public key", `${keyAlgorithmOf(payload)}, identifier ${toHex(sha1KeyIdentifier(payload))}`]];
}

/** The hsm-gateway's own form: JSON with the threshold and each custodian's id, identity and key. */
function custodianEntries(payload: Uint8Array): Entries {
  const { threshold, custodians } = JSON.parse(Buffer.from(payload).toString("utf8"));
  const people = custodians.map(
    ({ custodianId, identity, spki }: Record<string, string>) =>
      `${custodianId}: ${identity}, key ${toHex(sha1KeyIdentifier(Buffer.from(spki ?? "", "base64")))}`,
  );
  return [
    ["custodians from then on", people.join("\n")],
    ["of whom must agree", String(threshold)],
  ];
}

function requestEntries(payload: Uint8Array): Entries {
  const info = parseCertificationRequestInfo(payload);
  return [
    ["subject", nameToText(info.subject) || "(none)"],
    ["key", info.keyAlgorithm],
  ];
}
