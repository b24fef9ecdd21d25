/** The life of a certificate. */
export const STATES = [
  "issued",
  "active",
  "expiring",
  "renewing",
  "renewed",
  "revoked",
  "expired",
  "suspended",
] as const;

export type State = (typeof STATES)[number];

/** States that a hold can interrupt, and come back to. */
export type Living = "issued" | "active" | "expiring" | "renewing" | "renewed";

/** What can happen to a certificate, and where it leads from each state; "resume" is the state before it was suspended. What is not named
 *  here does not happen: it came twice, or too late. */
export const TRANSITIONS = {
  /** It was seen in a handshake. */
  served: { issued: "active" },
  /** The time to renew it has come. */
  due: { issued: "expiring", active: "expiring" },
  /** Its service was told to renew it. */
  told: { issued: "renewing", active: "renewing", expiring: "renewing" },
  /** A successor is issued. */
  succeeded: { issued: "renewing", active: "renewing", expiring: "renewing", renewing: "renewing" },
  /** The successor is in use. */
  replaced: { issued: "renewed", active: "renewed", expiring: "renewed", renewing: "renewed" },
  revoked: {
    issued: "revoked",
    active: "revoked",
    expiring: "revoked",
    renewing: "revoked",
    renewed: "revoked",
    suspended: "revoked",
    expired: "revoked",
  },
  held: {
    issued: "suspended",
    active: "suspended",
    expiring: "suspended",
    renewing: "suspended",
    renewed: "suspended",
  },
  released: { suspended: "resume" },
  /** Its notAfter has passed, and there is a successor that nobody was seen using. */
  outlived: { issued: "renewed", active: "renewed", expiring: "renewed", renewing: "renewed", suspended: "expired" },
  /** Its notAfter has passed, and there is no successor. */
  ended: { issued: "expired", active: "expired", expiring: "expired", renewing: "expired", suspended: "expired" },
} as const satisfies Record<string, Partial<Record<State, State | "resume">>>;

export type Change = "issued" | keyof typeof TRANSITIONS;

/** The state after a change, or undefined when it cannot happen now. */
export function stateAfter(change: keyof typeof TRANSITIONS, from: State, resumesAs?: Living): State | undefined {
  const to = (TRANSITIONS[change] as Partial<Record<State, State | "resume">>)[from];
  return to === "resume" ? resumesAs : to;
}

/** Whether it may come back to this state after a hold. */
export const isLiving = (state: State): state is Living =>
  state !== "revoked" && state !== "expired" && state !== "suspended";
