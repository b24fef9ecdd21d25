import { generateKeyPairSync, type KeyObject } from "node:crypto";
import {
  basicConstraints,
  buildName,
  type Certificate,
  certificatePolicies,
  crlDistributionPoints,
  extendedKeyUsage,
  issuingDistributionPoint,
  type KeyUsage,
  keyUsage,
  type NameConstraintsInput,
  nameConstraints,
  OID,
  policyConstraints,
  subjectAltName,
} from "../src/index.ts";
import { NOT_AFTER, NOT_BEFORE } from "./authority.ts";
import { makeIssuer, makeList, makeUnit } from "./chain.ts";
import { rawExtension, version1 } from "./crafted.ts";
import { makeKey } from "./keys.ts";
import { AT, type Chain, flipped, lists, type Parties, revoking, type Spec, secondsAfter } from "./path-chain.ts";

const NONE = new Uint8Array();
const EARLIER = secondsAfter(AT, -1);
const LATER = secondsAfter(AT, 1);

const unknown = { extensions: { x: rawExtension("1.3.6.1.4.1.55738.1", true, "0500") } };
const isCa = (pathLength?: number) => ({
  extensions: { basicConstraints: basicConstraints({ ca: true, ...(pathLength !== undefined && { pathLength }) }) },
});
const without = (extension: string) => ({ extensions: { [extension]: NONE } });
const may = (...usages: KeyUsage[]) => ({ extensions: { keyUsage: keyUsage(usages) } });
const isFor = (oids: string[], critical = true) => ({
  extensions: { extendedKeyUsage: extendedKeyUsage(oids, critical) },
});
const called = (names: Parameters<typeof subjectAltName>[0]) => ({
  extensions: { subjectAltName: subjectAltName(names) },
});
const constrained = (constraints: NameConstraintsInput) => ({
  extensions: { nameConstraints: nameConstraints(constraints) },
});
const scope = (fields: Parameters<typeof issuingDistributionPoint>[0]) => ({
  extensions: { scope: issuingDistributionPoint(fields) },
});
const listedAt = (url: string) => ({ extensions: { points: crlDistributionPoints([url]) } });
const certifying = ({ publicKey }: { publicKey: KeyObject }) => ({
  spkiDer: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
});

const URL_1 = "http://crl.vcc.internal/1.crl";
const explicit = policyConstraints({ requireExplicitPolicy: 0 });
const policy = certificatePolicies(["1.3.6.1.4.1.55738.7"]);

const otherPolicy = () => ({ extensions: { policy: certificatePolicies(["1.3.6.1.4.1.55738.8"]) } });

/** Accepted by OpenSSL and by us. */
export const SOUND_PATHS: readonly (readonly [what: string, spec: Spec])[] = [
  ["the usual unit", {}],
  ["the usual server", { server: {} }],
  ["in the first second", { at: NOT_BEFORE }],
  ["a second before the last", { at: secondsAfter(NOT_AFTER, -1) }],
  ["path lengths that just suffice", { root: isCa(2), middle: isCa(1), ca: isCa(0) }],
  ["a CA limited to the purpose", { middle: isFor([OID.timeStamping], false) }],
  ["keys of several kinds", { root: { key: makeKey("ec-p384") }, ca: { key: makeKey("rsa-3072") } }],
  ["an unknown critical extension elsewhere", { tamper: withStranger }],
  ["candidates in another order", { tamper: ({ candidates }) => ({ candidates: candidates.toReversed() }) }],
  [
    "names within constraints",
    {
      root: constrained({ permitted: { dns: ["vcc.internal"] } }),
      ca: constrained({ excluded: { dns: ["secret.vcc.internal"], ip: ["10.0.0.0/8"] } }),
      server: called({ dns: ["argus.vcc.internal"], ip: ["192.0.2.1"] }),
    },
  ],
  [
    "a policy that is demanded",
    {
      middle: { extensions: { explicit, policy: certificatePolicies([OID.anyPolicy]) } },
      ca: { extensions: { policy } },
      unit: { extensions: { policy } },
    },
  ],
  [
    "lists of the right scopes",
    {
      ca: listedAt(URL_1),
      lists: ({ root, middle, ca }) => [
        makeList(root, scope({ onlyContainsCaCerts: true })),
        makeList(middle, scope({ urls: [URL_1], onlyContainsCaCerts: true })),
        makeList(ca, scope({ onlyContainsUserCerts: true })),
      ],
    },
  ],
  ["a CA's new certificate under its old key", { ca: isCa(0), tamper: withRollover }],
  ["an expired certificate of a CA beside a good one", { tamper: withExpiredTwin }],
];

/** Refused by OpenSSL and by us, and our first reason. */
export const CORRUPTED_PATHS: readonly (readonly [what: string, reason: string, spec: Spec])[] = [
  ["an expired unit", "expired", { unit: { notAfter: EARLIER } }],
  ["a unit not yet valid", "notYetValid", { unit: { notBefore: LATER } }],
  ["an expired CA", "expired", { ca: { notAfter: EARLIER } }],
  ["a CA not yet valid", "notYetValid", { middle: { notBefore: LATER } }],
  ["an expired root", "expired", { root: { notAfter: EARLIER } }],
  ["a root not yet valid", "notYetValid", { root: { notBefore: LATER } }],

  ["a bit of the unit's signature", "signatureInvalid", { tamper: ({ leaf }) => ({ leaf: flipped(leaf) }) }],
  ["a bit of a CA's signature", "signatureInvalid", { tamper: withFlippedCa }],
  ["another CA of that name", "signatureInvalid", { tamper: withNamesake }],
  ["another root of that name", "signatureInvalid", { tamper: () => ({ anchors: [issuer("Root")] }) }],
  ["another root", "noIssuer", { tamper: () => ({ anchors: [issuer("Other")] }) }],
  ["a CA that is not there", "noIssuer", { tamper: ({ candidates }) => ({ candidates: candidates.slice(0, 1) }) }],
  ["no CA at all", "noIssuer", { tamper: () => ({ candidates: [] }) }],
  ["a unit signed by itself", "noIssuer", { tamper: withSelfSigned }],

  [
    "an issuer that is no CA",
    "malformed",
    { ca: { extensions: { basicConstraints: basicConstraints({ ca: false }) } } },
  ],
  ["an issuer without basicConstraints", "malformed", { ca: without("basicConstraints") }],
  [
    "basicConstraints that are not critical",
    "malformed",
    { ca: { extensions: { basicConstraints: rawExtension(OID.basicConstraints, false, "30030101ff") } } },
  ],
  ["a CA without keyCertSign", "notACa", { ca: may("cRLSign") }],
  ["an issuer of version 1", "malformed", { ca: { rewrite: version1 } }],
  ["a path length of 0 above a CA", "pathLength", { middle: isCa(0) }],
  ["a root's path length of 1", "pathLength", { root: isCa(1) }],
  ["a CA without subjectKeyIdentifier", "malformed", { ca: without("subjectKeyIdentifier") }],
  ["a CA without authorityKeyIdentifier", "malformed", { ca: without("authorityKeyIdentifier") }],
  ["a unit without authorityKeyIdentifier", "malformed", { unit: without("authorityKeyIdentifier") }],
  ["a CA without a name", "malformed", { ca: { subject: buildName([]) } }],
  ["keyCertSign in a unit", "malformed", { unit: may("digitalSignature", "keyCertSign") }],
  ["an unknown critical extension in the unit", "criticalExtension", { unit: unknown }],
  ["an unknown critical extension in a CA", "criticalExtension", { middle: unknown }],
  ["an unknown critical extension in the root", "criticalExtension", { root: unknown }],
  [
    "a key that is too small",
    "keyNotAllowed",
    { unit: certifying(generateKeyPairSync("rsa", { modulusLength: 1024 })) },
  ],

  ["a unit without a purpose", "purpose", { unit: without("extendedKeyUsage") }],
  ["a unit for another purpose", "purpose", { unit: isFor([OID.codeSigning]) }],
  ["a unit for two purposes", "purpose", { unit: isFor([OID.timeStamping, OID.codeSigning]) }],
  ["a unit for any purpose", "purpose", { unit: isFor([OID.anyExtendedKeyUsage]) }],
  ["a unit whose purpose is not critical", "purpose", { unit: isFor([OID.timeStamping], false) }],
  ["a unit that may encrypt", "purpose", { unit: may("keyEncipherment") }],
  ["a unit that may encrypt, too", "purpose", { unit: may("digitalSignature", "keyEncipherment") }],
  ["a server for another purpose", "purpose", { server: isFor([OID.clientAuth]) }],
  ["a server under a CA for other purposes", "purpose", { ca: isFor([OID.clientAuth], false), server: {} }],

  ["an excluded DNS name", "nameConstraints", named({ excluded: { dns: ["vcc.internal"] } })],
  ["a DNS name not permitted", "nameConstraints", named({ permitted: { dns: ["vcc.de"] } })],
  ["an excluded IP address", "nameConstraints", named({ excluded: { ip: ["10.0.0.0/8"] } })],
  ["an IP address not permitted", "nameConstraints", named({ permitted: { ip: ["11.0.0.0/8"] } })],
  ["a mailbox not permitted", "nameConstraints", named({ permitted: { email: ["vcc.com"] } })],
  ["a URI not permitted", "nameConstraints", named({ permitted: { uri: ["vcc.com"] } })],
  ["a subject not permitted", "nameConstraints", named({ permitted: { directory: [buildName([["O", "X"]])] } })],
  ["no policy where one is demanded", "policy", { middle: { extensions: { explicit } } }],
  ["another policy than the CA's", "policy", { ca: { extensions: { explicit, policy } }, unit: otherPolicy() }],

  ["a revoked unit", "revoked", { lists: (parties) => revoking(parties, parties.ca, parties.leaf) }],
  ["a revoked CA", "revoked", { lists: (parties) => revoking(parties, parties.middle, parties.ca) }],
  ["a unit on hold", "revoked", { lists: (p) => revoking(p, p.ca, p.leaf, "certificateHold") }],
  ["no list of the last CA", "revocationUnknown", { lists: (parties) => lists(parties).slice(0, 2) }],
  ["no list of the root", "revocationUnknown", { lists: (parties) => lists(parties).slice(1) }],
  ["a list out of date", "revocationUnknown", { lists: (parties) => lists(parties, { nextUpdate: EARLIER }) }],
  ["a list by another key", "revocationUnknown", { lists: byAnotherKey }],
  ["a CA that may not sign lists", "revocationUnknown", { ca: may("keyCertSign") }],
  ["a list with an unknown critical extension", "revocationUnknown", { lists: (p) => lists(p, unknown) }],
  [
    "a list about CAs",
    "revocationUnknown",
    { lists: (parties) => lists(parties, scope({ onlyContainsCaCerts: true })) },
  ],
  [
    "a list for another distribution point",
    "revocationUnknown",
    { unit: listedAt(URL_1), lists: (parties) => lists(parties, scope({ urls: ["http://crl.vcc.internal/2.crl"] })) },
  ],
];

/** Refused by us alone, and our first reason. */
export const PATHS_ONLY_WE_REFUSE: readonly (readonly [what: string, reason: string, spec: Spec])[] = [
  ["a unit under a CA for other purposes is refused", "purpose", { ca: isFor([OID.codeSigning], false) }],
  ["the serial number 0 is refused", "malformed", { unit: { serial: Uint8Array.of(0) } }],
  ["an underscore in a host name is refused", "malformed", { server: called({ dns: ["argus_1.vcc.internal"] }) }],
  [
    "name constraints in an end entity are refused",
    "malformed",
    { unit: constrained({ permitted: { dns: ["vcc.internal"] } }) },
  ],
  [
    "a curve that is not ours is refused",
    "keyNotAllowed",
    { unit: certifying(generateKeyPairSync("ec", { namedCurve: "secp256k1" })) },
  ],
];

/** Accepted by us alone. */
export const PATHS_ONLY_WE_ACCEPT: readonly (readonly [what: string, spec: Spec])[] = [
  ["a list tells about times before it", { lists: (parties) => lists(parties, { thisUpdate: LATER }) }],
  ["the last second counts", { at: NOT_AFTER }],
  ["a CA without keyUsage may sign", { ca: without("keyUsage") }],
];

/** A server with a name of each form under these constraints. */
function named(constraints: NameConstraintsInput): Spec {
  const names = {
    ...{ dns: ["argus.vcc.internal"], ip: ["10.1.2.3"], email: ["argus@vcc.de"], uri: ["https://vcc.de/argus"] },
  };
  return { ca: constrained(constraints), server: called(names) };
}

const issuer = (commonName: string): Certificate => makeIssuer(commonName).certificate;

function withStranger({ candidates }: Chain): Partial<Chain> {
  return { candidates: [makeIssuer("Stranger", unknown).certificate, ...candidates] };
}

function withFlippedCa(_: Chain, { ca, middle }: Parties): Partial<Chain> {
  return { candidates: [flipped(ca.certificate), middle.certificate] };
}

function withNamesake(_: Chain, { middle }: Parties): Partial<Chain> {
  return { candidates: [makeIssuer("CA", {}, middle).certificate, middle.certificate] };
}

function withSelfSigned(): Partial<Chain> {
  const extensions = { ...may("digitalSignature").extensions, ...isFor([OID.timeStamping]).extensions };
  return {
    leaf: makeIssuer("Self", { extensions: { ...extensions, ...without("basicConstraints").extensions } }).certificate,
  };
}

/** The unit is certified by the CA's new key, which the CA certified with its old one (RFC 4210 section 4.4). */
function withRollover({ candidates, crls }: Chain, { ca }: Parties): Partial<Chain> {
  const renewed = makeIssuer("CA", {}, ca);
  return {
    leaf: makeUnit(renewed).certificate,
    candidates: [...candidates, renewed.certificate],
    crls: [...crls, makeList(renewed, { thisUpdate: NOT_BEFORE, nextUpdate: NOT_AFTER })],
  };
}

function withExpiredTwin({ candidates }: Chain, { ca, middle }: Parties): Partial<Chain> {
  return { candidates: [makeIssuer("CA", { key: ca, notAfter: EARLIER }, middle).certificate, ...candidates] };
}

function byAnotherKey(parties: Parties) {
  const { ca } = parties;
  return [...lists(parties).slice(0, 2), makeList({ ...makeKey(), certificate: ca.certificate })];
}
