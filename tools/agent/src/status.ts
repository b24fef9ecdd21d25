import { storeOf } from "./agent.ts";
import type { Identity, Settings } from "./config.ts";
import type { State } from "./state.ts";

/** How an identity is. Of several the first that holds. */
export type Health =
  /** Never had a certificate. */
  | "not enrolled"
  /** Administrators have been asked. */
  | "waiting"
  /** What the service has, has expired, or it has nothing. */
  | "expired"
  /** It serves a valid certificate, and the agent could not do what it should. */
  | "failing"
  | "ok";

/** One line of `vcc-agent status`. */
export interface IdentityStatus {
  readonly name: string;
  readonly spiffe_id: string;
  readonly health: Health;
  /** Of the certificate that the service has; absent when it has none. */
  readonly serial_number?: string;
  readonly not_after?: Date;
  readonly renew_at?: Date;
  /** A newer one that the service has not taken yet. */
  readonly not_deployed?: string;
  readonly failures: number;
  readonly next_attempt_at?: Date;
  readonly last_error?: { readonly code: string; readonly message: string; readonly at: Date };
  readonly reports_waiting: number;
}

/** What the disk says of every identity; needs neither the daemon nor the gateway. */
export const statusOf = (settings: Settings, now: Date): IdentityStatus[] =>
  settings.identities.map((identity) => describe(identity, storeOf(settings, identity.name).read(), now));

export function describe({ name, spiffeId }: Identity, state: State, now: Date): IdentityStatus {
  const { held, deployed, failures, nextAttemptAt, lastError, reports } = state;
  return {
    name,
    spiffe_id: spiffeId,
    health: healthOf(state, now),
    serial_number: deployed?.serialHex,
    not_after: deployed?.notAfter,
    renew_at: held?.renewAt,
    not_deployed: held && held.serialHex !== deployed?.serialHex ? held.serialHex : undefined,
    failures,
    next_attempt_at: nextAttemptAt,
    last_error: lastError,
    reports_waiting: reports.length,
  };
}

function healthOf({ held, deployed, pending, lastError }: State, now: Date): Health {
  if (held === undefined) return pending?.claim ? "waiting" : "not enrolled";
  if (deployed === undefined || deployed.notAfter < now) return "expired";
  return lastError === undefined ? "ok" : "failing";
}
