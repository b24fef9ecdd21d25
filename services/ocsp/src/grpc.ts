import { PkiError } from "@vcc-pki/errors";
import { CertificateStatus, type GetStatusResponse, StatusServiceDefinition } from "@vcc-pki/proto/ocsp";
import { type Callers, implement, type ServiceImplementation } from "@vcc-pki/rpc";
import { reasonName } from "./answer-fields.ts";
import type { CurrencyAccount } from "./currency.ts";
import type { Issuers } from "./issuers.ts";
import type { CertificateTable } from "./store/certificates.ts";
import type { Watchers } from "./watch.ts";

export interface StatusDoor {
  readonly certificates: CertificateTable;
  readonly issuers: Issuers;
  readonly currency: CurrencyAccount;
  readonly watchers: Watchers;
}

const CALLERS: Callers<typeof StatusServiceDefinition> = { get: ["any-suite"], watch: ["any-suite"] };

export function statusService(door: StatusDoor): ServiceImplementation {
  return implement(
    StatusServiceDefinition,
    {
      get: async ({ authorityId, serial }) => getStatus(door, authorityId, serial),
      watch: (_, { signal }) => {
        // A list with gaps would have its reader admit whom it has been refusing.
        if (door.currency.state === "behind") throw notKnownHere();
        return door.watchers.watch(signal);
      },
    },
    CALLERS,
  );
}

const notKnownHere = () => new PkiError("PEER_UNAVAILABLE", "what the ca knows is not known here at the moment");

/** "revoked" may always be said; anything else only when we know all that the ca knows. */
function getStatus(
  { certificates, issuers, currency }: StatusDoor,
  authorityId: string,
  serial: Uint8Array,
): GetStatusResponse {
  const issuer = issuers.findByAuthority(authorityId);
  if (issuer === undefined) throw new PkiError("NOT_FOUND", "no such authority");
  const stored = certificates.find({ issuer: issuer.issuer, serial });
  const revocation = stored?.revocation;
  if (revocation === undefined && currency.state !== "current") {
    throw notKnownHere();
  }
  const status =
    revocation !== undefined
      ? CertificateStatus.REVOKED
      : stored !== undefined
        ? CertificateStatus.GOOD
        : CertificateStatus.UNKNOWN;
  return {
    status,
    revokedAt: revocation && new Date(revocation.revokedAtMs),
    reason: revocation === undefined ? "" : reasonName(revocation.reason),
    notAfter: stored && new Date(stored.notAfterMs),
    asOf: currency.asOf,
  };
}
