import type { FactEvent } from "@vcc-pki/events";
import type { StatusChange } from "@vcc-pki/proto/ca";
import { REASON_NAMES } from "@vcc-pki/service";
import { REVOCATION_REASONS, type RevocationReason as ReasonName } from "@vcc-pki/x509";
import type { Revocation, Status } from "./status.ts";

/** One change of status, as the ca's stream or an event tells it. */
export interface Change extends Status {
  readonly sequence: number;
  readonly organisation: string;
  readonly authorityId: string;
  readonly serial: Uint8Array;
}

/** A change with the generation that its sequence belongs to. */
export interface NumberedChange extends Change {
  readonly generation: number;
}

export function changeFromProto(change: StatusChange): Change {
  const { sequence, organisation, authorityId, serial, notAfter, revokedAt, revocationReason } = change;
  const revocation = revokedAt && revocationOf(revokedAt, REVOCATION_REASONS[REASON_NAMES[revocationReason]]);
  return { sequence, organisation, authorityId, serial, notAfterMs: notAfter?.getTime() ?? 0, revocation };
}

/** undefined: an event of another kind, or of a ca that does not number its changes. */
export function changeFromEvent(event: FactEvent): NumberedChange | undefined {
  if (
    event.type !== "pki.certificate.issued.v1" &&
    event.type !== "pki.certificate.revoked.v1" &&
    event.type !== "pki.certificate.released.v1"
  ) {
    return undefined;
  }
  const { generation, sequence, authorityId, serialHex, notAfter } = event.data;
  if (generation === undefined || sequence === undefined) return undefined;
  return {
    ...{ generation, sequence, organisation: event.organisation, authorityId },
    serial: new Uint8Array(Buffer.from(serialHex, "hex")),
    notAfterMs: new Date(notAfter).getTime(),
    revocation:
      event.type === "pki.certificate.revoked.v1"
        ? revocationOf(new Date(event.data.revokedAt), REVOCATION_REASONS[event.data.reason as ReasonName] ?? 0)
        : undefined,
  };
}

/** Whole seconds, as answers carry them. */
const revocationOf = (revokedAt: Date, reason: number): Revocation => ({
  revokedAtMs: Math.floor(revokedAt.getTime() / 1_000) * 1_000,
  reason,
});
