import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomUUID,
  sign,
} from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import type { Signer, SignPayload } from "@vcc-pki/signer";
import type { Clock } from "@vcc-pki/time";
import {
  defaultSignatureAlgorithm,
  equalBytes,
  KEY_ALGORITHMS,
  type KeyAlgorithmId,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithmId,
} from "@vcc-pki/x509";

export interface SoftwareSignerOptions {
  readonly clock: Clock;
  readonly keyAlgorithm?: KeyAlgorithmId;
  /** The key's default unless given. */
  readonly algorithm?: SignatureAlgorithmId;
  readonly organisation?: string;
  /** Payloads that it signs; all of them unless given. The hsm-gateway looks inside as well, this one does not. */
  readonly admits?: readonly SignPayload["$case"][];
  /** Approvals that each signature needs, of how many custodians. */
  readonly quorum?: { readonly threshold: number; readonly custodians: number };
}

/** A signer with its key in this process. It keeps the promises of the real one: they run one conformance suite. */
export interface SoftwareSigner extends Signer {
  /** Every payload it signed, in order. */
  readonly signed: readonly { readonly requestId: string; readonly payload: SignPayload }[];
  /** Lets a signature fail: a throw from `beforeRecord` is "failed and not made", from `afterRecord` "failed but made". */
  readonly faults: { beforeRecord?: () => void; afterRecord?: () => void };
  /** The decision of a custodian, by number. */
  decide(approvalId: string, custodian: number, decision: "approve" | "refuse"): void;
  disable(): void;
}

interface Signature {
  readonly payload: SignPayload;
  readonly signature: Uint8Array;
}

interface PendingApproval {
  readonly approvalId: string;
  readonly payload: SignPayload;
  readonly expiresAt: Date;
  readonly approved: Set<number>;
  readonly refused: Set<number>;
}

/** As in the gateway. */
const APPROVAL_VALIDITY_MS = 72 * 3_600_000;

export function softwareSigner(options: SoftwareSignerOptions): SoftwareSigner {
  const { clock, keyAlgorithm = "ec-p256", organisation = "brandenburg", admits, quorum } = options;
  const algorithm = options.algorithm ?? defaultSignatureAlgorithm(keyAlgorithm);
  const privateKey = generatePrivateKey(keyAlgorithm);
  const made = new Map<string, Signature>();
  const approvals = new Map<string, PendingApproval>();
  const faults: SoftwareSigner["faults"] = {};
  let disabled = false;

  function requireApproval(
    payload: SignPayload,
    requestId: string,
    { threshold, custodians }: NonNullable<typeof quorum>,
  ): void {
    let approval = approvals.get(requestId);
    if (!approval) {
      const expiresAt = new Date(clock.now().getTime() + APPROVAL_VALIDITY_MS);
      approval = { approvalId: randomUUID(), payload, expiresAt, approved: new Set(), refused: new Set() };
      approvals.set(requestId, approval);
    }
    requireSame(approval.payload, payload);
    const details = { approvalId: approval.approvalId, expiresAt: approval.expiresAt.toISOString() };
    const refuse = (code: "APPROVAL_REFUSED" | "APPROVAL_EXPIRED" | "APPROVAL_REQUIRED") =>
      new PkiError(code, code, { details });
    if (custodians - approval.refused.size < threshold) throw refuse("APPROVAL_REFUSED");
    if (clock.now() >= approval.expiresAt) throw refuse("APPROVAL_EXPIRED");
    if (approval.approved.size < threshold) throw refuse("APPROVAL_REQUIRED");
  }

  return {
    ...{ organisation, algorithm, faults, keyId: randomBytes(16).toString("hex") },
    spkiDer: new Uint8Array(createPublicKey(privateKey).export({ type: "spki", format: "der" })),
    get signed() {
      return [...made].map(([requestId, { payload }]) => ({ requestId, payload }));
    },
    async sign(payload, requestId) {
      const first = made.get(requestId);
      if (first) {
        requireSame(first.payload, payload);
        return first.signature;
      }
      if (disabled) throw new PkiError("KEY_NOT_ACTIVE", "this key does not sign any more");
      if (admits && !admits.includes(payload.$case)) throw new PkiError("PAYLOAD_NOT_ADMITTED", "not this payload");
      if (quorum) requireApproval(payload, requestId, quorum);
      const signature = signWith(privateKey, algorithm, payload.value);
      unavailableOn(faults.beforeRecord);
      made.set(requestId, { payload, signature });
      unavailableOn(faults.afterRecord);
      return signature;
    },
    decide(approvalId, custodian, decision) {
      const approval = [...approvals.values()].find((each) => each.approvalId === approvalId);
      if (!approval) throw new PkiError("NOT_FOUND", "no such approval");
      (decision === "approve" ? approval.approved : approval.refused).add(custodian);
    },
    disable() {
      disabled = true;
    },
  };
}

function requireSame(first: SignPayload, second: SignPayload): void {
  if (first.$case === second.$case && equalBytes(first.value, second.value)) return;
  throw new PkiError("REQUEST_ID_REUSED", "this request_id belongs to another payload");
}

function unavailableOn(fault: (() => void) | undefined): void {
  try {
    fault?.();
  } catch (cause) {
    throw new PkiError("HSM_UNAVAILABLE", "the token is not available", { cause });
  }
}

function generatePrivateKey(keyAlgorithm: KeyAlgorithmId): KeyObject {
  const row = KEY_ALGORITHMS[keyAlgorithm];
  if (row.type === "rsa") return generateKeyPairSync("rsa", { modulusLength: row.bits }).privateKey;
  if (row.type === "ed25519") return generateKeyPairSync("ed25519").privateKey;
  return generateKeyPairSync("ec", { namedCurve: row.namedCurve }).privateKey;
}

function signWith(privateKey: KeyObject, algorithm: SignatureAlgorithmId, data: Uint8Array): Uint8Array {
  const { hash, padding, saltLength } = SIGNATURE_ALGORITHMS[algorithm];
  const key =
    padding === "pss" ? { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength } : privateKey;
  return new Uint8Array(sign(hash, data, key));
}
