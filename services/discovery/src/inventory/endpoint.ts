import type { Health } from "../probe/health-dialect.ts";
import type { StapledStatus, Verdict, VerdictReason } from "../probe/verdict.ts";

/** What brought an endpoint here. */
export type EndpointSource = "registry" | "configuration" | "dns" | "kubernetes" | "docker" | "sweep" | "probe";

/** A certificate as it was served, by whomever. */
export interface CertificateRecord {
  /** SHA-256 in lower-case hex. */
  readonly fingerprint: string;
  readonly der: Uint8Array;
  readonly subject: string;
  readonly issuer: string;
  readonly serialHex: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly keyAlgorithm: string;
  readonly signatureAlgorithm: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly uris: readonly string[];
  readonly firstSeenAt: Date;
  readonly lastSeenAt: Date;
}

/** An endpoint as it was last seen. */
export interface EndpointRecord {
  readonly organisation: string;
  /** "host:port" */
  readonly endpoint: string;
  /** "": unknown. */
  readonly service: string;
  readonly source: EndpointSource;
  readonly verdict: Verdict;
  readonly reason: VerdictReason;
  readonly detail: string;
  readonly isOurs: boolean;
  /** "": connected to nowhere. */
  readonly address: string;
  /** "": without TLS. */
  readonly tlsVersion: string;
  readonly cipher: string;
  readonly stapledOcsp: StapledStatus;
  /** Fingerprints, the server's certificate first; empty without TLS. */
  readonly chain: readonly string[];
  /** Of the server's certificate. */
  readonly notAfter: Date | undefined;
  /** "": it was not asked. */
  readonly health: Health | "";
  readonly healthReason: string;
  /** Probes in a row that reached nobody. */
  readonly failures: number;
  readonly firstSeenAt: Date;
  /** When it last answered; before it has, when it was first looked for. */
  readonly lastSeenAt: Date;
  readonly probedAt: Date;
  /** When its verdict or certificate last changed. */
  readonly changedAt: Date;
}

export interface EndpointChange {
  readonly at: Date;
  /** undefined: it was not known before. */
  readonly from: Verdict | undefined;
  readonly to: Verdict;
  readonly reason: string;
  /** Of the server's certificate. */
  readonly fingerprint: string | undefined;
}

/** "covina.vcc.internal:45678", "[fd00::7]:443" */
export const endpointOf = (host: string, port: number): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;
