import type { SignRequest } from "@vcc-pki/proto/hsm";
import type { SpiffeId } from "@vcc-pki/rpc";
import type { SignatureAlgorithmId } from "@vcc-pki/x509";
import type { SigningChannel } from "./channel.ts";

/** The structure to sign, with its type: the hsm-gateway parses it and signs exactly these octets. */
export type SignPayload = NonNullable<SignRequest["payload"]>;

export interface SignOptions {
  /** On whose behalf. Believed only of services that may forward; the caller itself unless given. */
  readonly requester?: SpiffeId | string;
}

/** A private key that we may use but never see, for the payloads that its policy admits. Safe to use concurrently. */
export interface Signer {
  /** Lower-case hex of CKA_ID. */
  readonly keyId: string;
  readonly organisation: string;
  readonly spkiDer: Uint8Array;
  readonly algorithm: SignatureAlgorithmId;
  /**
   * Signs `payload` and resolves when the signature is durably recorded: DER Ecdsa-Sig-Value for ECDSA, octets otherwise. A repeat
   * with the same `requestId` and payload resolves with the first signature; with another payload it rejects with
   * REQUEST_ID_REUSED. Rejects with
   * - APPROVAL_REQUIRED (details.approvalId, details.expiresAt) for a key under quorum; the same request yields the signature once
   *   the custodians have approved, or APPROVAL_REFUSED, or APPROVAL_EXPIRED;
   * - PAYLOAD_NOT_ADMITTED, ALGORITHM_NOT_ALLOWED, KEY_NOT_ACTIVE, NOT_FOUND when the key does not do this;
   * - HSM_UNAVAILABLE, STORE_UNAVAILABLE, PEER_UNAVAILABLE, DEADLINE_EXCEEDED: the signature may or may not have been made; repeat with
   *   the same `requestId`.
   */
  sign(payload: SignPayload, requestId: string, options?: SignOptions): Promise<Uint8Array>;
}

export interface RemoteKey {
  readonly organisation: string;
  readonly keyId: string;
  readonly spkiDer: Uint8Array;
  readonly algorithm: SignatureAlgorithmId;
}

/** A key in the hsm-gateway. */
export function remoteSigner(channel: SigningChannel, key: RemoteKey): Signer {
  const { organisation, keyId, spkiDer, algorithm } = key;
  return {
    ...{ organisation, keyId, spkiDer, algorithm },
    sign: (payload, requestId, options) =>
      channel.sign({ requestId, organisation, keyId, signatureAlgorithm: algorithm, payload }, options),
  };
}
