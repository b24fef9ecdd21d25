import { PkiError } from "@vcc-pki/errors";
import { type KeyPolicy, KeyPurpose } from "@vcc-pki/proto/hsm";
import {
  encodeOid,
  fitsKey,
  isSignatureAlgorithmId,
  type KeyAlgorithmId,
  parseName,
  type SignatureAlgorithmId,
} from "@vcc-pki/x509";

export type Purpose = Exclude<KeyPurpose, typeof KeyPurpose.UNSPECIFIED | typeof KeyPurpose.UNRECOGNIZED>;

/** Bounds on the certificates a CA key may sign. */
export interface Limits {
  readonly certificateAuthorities: boolean;
  readonly endEntities: boolean;
  readonly maxValiditySeconds: number;
  /** Dotted. */
  readonly extendedKeyUsages: ReadonlySet<string>;
}

/** What a key may do, checked and complete. Fixed for the key's life. */
export interface Policy {
  readonly purpose: Purpose;
  readonly organisation: string;
  /** SPIFFE URIs. */
  readonly allowedCallers: ReadonlySet<string>;
  readonly signatureAlgorithms: ReadonlySet<SignatureAlgorithmId>;
  readonly rateLimitPerSecond: number;
  readonly quorumThreshold: number;
  readonly copyable: boolean;
  /** CA keys only. */
  readonly authority: { readonly issuerNameDer: Uint8Array; readonly limits: Limits } | undefined;
}

/** The names of purposes in configuration, ledger and audit. */
export const PURPOSE_NAMES: Readonly<Record<Purpose, string>> = {
  [KeyPurpose.ROOT_CA]: "root-ca",
  [KeyPurpose.ISSUING_CA]: "issuing-ca",
  [KeyPurpose.OCSP_RESPONDER]: "ocsp-responder",
  [KeyPurpose.TIME_STAMPING]: "time-stamping",
  [KeyPurpose.CODE_SIGNING]: "code-signing",
  [KeyPurpose.AUDIT_CHECKPOINT]: "audit-checkpoint",
};

const ORGANISATION = /^[a-z][a-z0-9-]{1,38}[a-z0-9]$/;
const CALLER = /^spiffe:\/\/[a-z0-9.-]+\/pki\/[a-z][a-z0-9-]{0,62}$/;
const MAX_CALLERS = 16;
const MAX_EXTENDED_KEY_USAGES = 32;

export const isAuthority = (purpose: Purpose): boolean =>
  purpose === KeyPurpose.ROOT_CA || purpose === KeyPurpose.ISSUING_CA;

/** Checks a policy and fills in its defaults. `creator` is the caller that makes the key. Throws KEY_POLICY_INVALID. */
export function parsePolicy(message: KeyPolicy | undefined, keyAlgorithm: KeyAlgorithmId, creator: string): Policy {
  if (!message) throw invalid("there is none");
  const purpose = parsePurpose(message.purpose);
  if (!ORGANISATION.test(message.organisation)) throw invalid("organisation is not an organisation's id");
  const policy: Policy = {
    purpose,
    organisation: message.organisation,
    allowedCallers: parseCallers(message.allowedCallers, creator),
    signatureAlgorithms: parseAlgorithms(message.signatureAlgorithms, keyAlgorithm),
    rateLimitPerSecond: message.rateLimitPerSecond,
    quorumThreshold: message.quorumThreshold,
    copyable: message.copyable,
    authority: isAuthority(purpose) ? parseAuthority(message, purpose) : refuseAuthority(message),
  };
  if (policy.copyable && (policy.quorumThreshold > 0 || purpose === KeyPurpose.ROOT_CA)) {
    throw invalid("a key under quorum may not be copied");
  }
  return policy;
}

/** The policy as others see it, with defaults filled in. */
export function policyToProto(policy: Policy): KeyPolicy {
  const { purpose, organisation, rateLimitPerSecond, quorumThreshold, copyable, authority } = policy;
  return {
    ...{ purpose, organisation, rateLimitPerSecond, quorumThreshold, copyable },
    allowedCallers: [...policy.allowedCallers],
    signatureAlgorithms: [...policy.signatureAlgorithms],
    issuerNameDer: authority?.issuerNameDer ?? new Uint8Array(),
    certificateLimits: authority && {
      ...authority.limits,
      extendedKeyUsages: [...authority.limits.extendedKeyUsages],
    },
  };
}

function parsePurpose(purpose: KeyPurpose): Purpose {
  if (purpose === KeyPurpose.UNSPECIFIED || purpose === KeyPurpose.UNRECOGNIZED) throw invalid("purpose is missing");
  return purpose;
}

function parseCallers(uris: readonly string[], creator: string): Set<string> {
  if (uris.length === 0) return new Set([creator]);
  if (uris.length > MAX_CALLERS) throw invalid("too many callers");
  if (!uris.every((uri) => CALLER.test(uri))) throw invalid("a caller is not a service of the suite");
  return new Set(uris);
}

function parseAlgorithms(ids: readonly string[], keyAlgorithm: KeyAlgorithmId): Set<SignatureAlgorithmId> {
  if (ids.length === 0) throw invalid("no signature algorithm");
  return new Set(
    ids.map((id) => {
      if (!isSignatureAlgorithmId(id)) throw invalid(`unknown signature algorithm "${id}"`);
      if (!fitsKey(id, keyAlgorithm)) throw invalid(`${id} does not go with ${keyAlgorithm}`);
      return id;
    }),
  );
}

function parseAuthority({ issuerNameDer, certificateLimits }: KeyPolicy, purpose: Purpose): Policy["authority"] {
  if (!certificateLimits) throw invalid("a CA key needs limits");
  const { certificateAuthorities, endEntities, maxValiditySeconds, extendedKeyUsages } = certificateLimits;
  if (!certificateAuthorities && !endEntities) throw invalid("a CA key that may sign no certificate");
  if (purpose === KeyPurpose.ROOT_CA && endEntities) throw invalid("a root signs CA certificates only");
  if (maxValiditySeconds <= 0) throw invalid("certificates need a longest validity");
  if (extendedKeyUsages.length > MAX_EXTENDED_KEY_USAGES) throw invalid("too many extended key usages");
  return {
    issuerNameDer: parseIssuerName(issuerNameDer),
    limits: {
      ...{ certificateAuthorities, endEntities, maxValiditySeconds },
      extendedKeyUsages: new Set(extendedKeyUsages.map(parseOid)),
    },
  };
}

function refuseAuthority({ issuerNameDer, certificateLimits }: KeyPolicy): undefined {
  if (issuerNameDer.length > 0 || certificateLimits) throw invalid("only CA keys have an issuer name and limits");
}

function parseIssuerName(der: Uint8Array): Uint8Array {
  try {
    if (parseName(der).rdns.length === 0) throw invalid("issuer name is empty");
    return new Uint8Array(der);
  } catch (cause) {
    throw invalid("issuer name is not a Name", cause);
  }
}

function parseOid(oid: string): string {
  try {
    encodeOid(oid);
    return oid;
  } catch (cause) {
    throw invalid(`"${oid}" is not an object identifier`, cause);
  }
}

const invalid = (why: string, cause?: unknown): PkiError =>
  new PkiError("KEY_POLICY_INVALID", `key policy: ${why}`, { cause });
