/** The life of a service. */
export const STATES = ["discovered", "pending_approval", "pending_cert", "active", "unreachable", "inactive"] as const;

export type ServiceState = (typeof STATES)[number];

/** What can happen to a service, and where it leads from each state; "none" is a service that nobody has heard of. What is not named here
 *  cannot happen then. */
export const TRANSITIONS = {
  /** A source has seen it. */
  discovered: { none: "discovered" },
  /** An administrator has said what it is. */
  registered: { none: "pending_approval", discovered: "pending_approval", inactive: "pending_approval" },
  /** An administrator lets it have an identity, by approving it or by making a token for it. */
  approved: { discovered: "pending_cert", pending_approval: "pending_cert", inactive: "pending_cert" },
  /** The ca has certified it. That does not approve it: an administrator may have asked for something else. */
  certified: {
    discovered: "discovered",
    pending_approval: "pending_approval",
    pending_cert: "active",
    active: "active",
    unreachable: "unreachable",
    inactive: "inactive",
  },
  /** Its certificate has expired or was revoked. */
  lapsed: {
    discovered: "discovered",
    pending_approval: "pending_approval",
    pending_cert: "pending_cert",
    active: "pending_cert",
    unreachable: "pending_cert",
    inactive: "inactive",
  },
  unreachable: { active: "unreachable" },
  reached: { unreachable: "active" },
  removed: {
    discovered: "inactive",
    pending_approval: "inactive",
    pending_cert: "inactive",
    active: "inactive",
    unreachable: "inactive",
  },
} as const satisfies Record<string, Partial<Record<ServiceState | "none", ServiceState>>>;

export type Change = keyof typeof TRANSITIONS;

/** The state after a change, or undefined when it cannot happen now. */
export const stateAfter = (change: Change, from: ServiceState | undefined): ServiceState | undefined =>
  (TRANSITIONS[change] as Partial<Record<ServiceState | "none", ServiceState>>)[from ?? "none"];
