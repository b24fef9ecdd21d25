import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import type { SignRequest } from "@vcc-pki/proto/hsm";

export type PayloadCase = NonNullable<SignRequest["payload"]>["$case"];

/** The name of each kind of payload in the ledger, approvals and audit, and the most octets it may have. */
export const PAYLOAD_TYPES: Readonly<Record<PayloadCase, { readonly name: string; readonly maxOctets: number }>> = {
  tbsCertificate: { name: "tbs-certificate", maxOctets: 256 * 1024 },
  tbsCertList: { name: "tbs-cert-list", maxOctets: 256 * 1024 * 1024 },
  ocspResponseData: { name: "ocsp-response-data", maxOctets: 256 * 1024 },
  cmsSignedAttributes: { name: "cms-signed-attributes", maxOctets: 64 * 1024 },
  dssePae: { name: "dsse-pae", maxOctets: 16 * 1024 * 1024 },
  auditCheckpoint: { name: "audit-checkpoint", maxOctets: 8 * 1024 },
  certificationRequestInfo: { name: "certification-request-info", maxOctets: 64 * 1024 },
};

/** The octets to be signed and what they claim to be. */
export interface Payload {
  readonly $case: PayloadCase;
  /** Name of the type, see PAYLOAD_TYPES. */
  readonly type: string;
  readonly octets: Uint8Array;
  readonly sha256: Buffer;
}

/** Throws REQUEST_MALFORMED when there is no payload, REQUEST_TOO_LARGE when there is too much of it. */
export function toPayload(payload: SignRequest["payload"]): Payload {
  if (!payload) throw new PkiError("REQUEST_MALFORMED", "no payload");
  const { name, maxOctets } = PAYLOAD_TYPES[payload.$case];
  if (payload.value.length > maxOctets) throw new PkiError("REQUEST_TOO_LARGE", `${name} is above ${maxOctets} octets`);
  return { $case: payload.$case, type: name, octets: payload.value, sha256: sha256(payload.value) };
}

/** Through hex, which is twice as fast as asking for a Buffer. */
const sha256 = (octets: Uint8Array): Buffer => Buffer.from(hash("sha256", octets), "hex");

const CASES = new Map(Object.entries(PAYLOAD_TYPES).map(([$case, { name }]) => [name, $case as PayloadCase]));

/** The payload of this type, from where it was stored. */
export function payloadOf(type: string, octets: Uint8Array): Payload {
  const $case = CASES.get(type);
  if (!$case) throw new Error(`no payload type ${type}`);
  return toPayload({ $case, value: octets });
}
