import type { ServiceState } from "./states.ts";

/** What is said of a service. */
export interface ServiceFields {
  readonly type: string;
  readonly description: string;
  readonly owner: string;
  /** Absolute URLs. */
  readonly endpoints: readonly string[];
  /** "": none. */
  readonly healthUrl: string;
  readonly healthDialect: string;
  /** Names its certificate may carry beside its SPIFFE id: DNS names in lower case, addresses in their canonical form. */
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly profile: string;
  /** Services of the organisation that it says it calls. */
  readonly dependsOn: readonly string[];
  /** The service whose agent looks after it, too; "": it has an agent of its own. */
  readonly managedBy: string;
}

/** The newest certificate of a service, with what is known of it. */
export interface CertificateBinding {
  /** "<authority id>:<serial hex>" */
  readonly certificateId: string;
  readonly profile: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly servedAt: Date | undefined;
  readonly revokedAt: Date | undefined;
}

export interface ServiceKey {
  readonly organisation: string;
  readonly service: string;
}

/** A service as the registry knows it. */
export interface ServiceRecord extends ServiceKey, ServiceFields {
  readonly state: ServiceState;
  readonly stateReason: string;
  /** What brought it here: "administrator", "enrolment", or the name of a source. */
  readonly source: string;
  readonly approval: { readonly by: string; readonly at: Date } | undefined;
  readonly certificate: CertificateBinding | undefined;
  readonly registeredAt: Date;
  readonly changedAt: Date;
  readonly seenAt: Date | undefined;
  /** Counts changes of its fields, from 1. */
  readonly version: number;
}

/** Of "vcc-services-ca:01ab", "01ab". */
export const serialOf = ({ certificateId }: Pick<CertificateBinding, "certificateId">): string =>
  certificateId.slice(certificateId.lastIndexOf(":") + 1);

/** Whether it has a certificate that counts at `now`. */
export const isCertified = ({ certificate }: Pick<ServiceRecord, "certificate">, now: Date): boolean =>
  certificate !== undefined && certificate.revokedAt === undefined && certificate.notAfter > now;

/** Whether it may have an identity. */
export const isApproved = ({ state, approval }: Pick<ServiceRecord, "state" | "approval">): boolean =>
  approval !== undefined && (state === "pending_cert" || state === "active" || state === "unreachable");
