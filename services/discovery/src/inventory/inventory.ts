import { event } from "@vcc-pki/events";
import type { Store } from "@vcc-pki/store";
import type { Observation } from "../probe/probe.ts";
import type { ServedCertificate } from "../probe/served-certificate.ts";
import type { Verdict } from "../probe/verdict.ts";
import type { Provisioning } from "../provisioning.ts";
import type { Registry } from "../registry.ts";
import type { EndpointTable, ServedCertificateTable } from "../store/endpoints.ts";
import type { RenewalReason } from "../store/notices.ts";
import { type EndpointRecord, type EndpointSource, endpointOf } from "./endpoint.ts";

export interface InventoryOptions {
  readonly store: Store;
  readonly endpoints: EndpointTable;
  readonly certificates: ServedCertificateTable;
  readonly registry: Registry;
  readonly provisioning: Provisioning;
  /** The service's own SPIFFE URI. */
  readonly self: string;
}

/** Whose endpoint it is, and who says so. */
export interface Whose {
  readonly organisation: string;
  /** "": nobody knows. */
  readonly service: string;
  readonly source: EndpointSource;
}

/** What certificates are out there. What changes something is called inside `store.write`: what was seen, what has changed and the events are one
 *  transaction. */
export class Inventory {
  readonly #options: InventoryOptions;

  constructor(options: InventoryOptions) {
    this.#options = options;
  }

  /** Keeps what a probe has seen, and tells what is new about it. An endpoint that never answered is not kept, unless it is a service's. Returns the
   *  record as it would be kept. */
  record(seen: Observation, whose: Whose): EndpointRecord {
    const { endpoints, certificates } = this.#options;
    const endpoint = endpointOf(seen.host, seen.port);
    const known = endpoints.find(whose.organisation, endpoint);
    const record = nextRecord(seen, endpoint, whose, known);
    if (known === undefined && seen.verdict === "unreachable" && whose.service === "") return record;
    endpoints.put(record);
    for (const certificate of seen.chain) certificates.put(toCertificate(certificate, seen.at));
    if (record.changedAt === seen.at) this.#tell(record, known);
    this.#tellRegistry(seen, record);
    return record;
  }

  #tell(record: EndpointRecord, known: EndpointRecord | undefined): void {
    const { endpoints, store } = this.#options;
    const { organisation, endpoint, verdict, reason, chain, changedAt, notAfter, service } = record;
    endpoints.insertChange(record, { at: changedAt, from: known?.verdict, to: verdict, reason, fingerprint: chain[0] });
    const data = {
      ...{ endpoint, verdict, reason },
      ...(service !== "" && { service }),
      ...(chain[0] !== undefined && { fingerprint: chain[0], notAfter: notAfter?.toISOString() }),
    };
    const fact = known
      ? event("pki.inventory.changed.v1", organisation, { ...data, fromVerdict: known.verdict })
      : event("pki.inventory.found.v1", organisation, data);
    store.outbox.add(fact);
  }

  /** A service that answers is there; one that serves the certificate it was given has deployed it; of one that serves badly, the agent is told. */
  #tellRegistry(
    { verdict, chain, detail, scheme }: Observation,
    { organisation, service, source }: EndpointRecord,
  ): void {
    const { registry, provisioning, self } = this.#options;
    if (service === "" || verdict === "unreachable") return;
    const key = { organisation, service };
    registry.reached(key, { actor: self, reason: `a probe has reached it: ${detail}` });
    const serialHex = chain[0]?.serialHex;
    if (verdict === "ours") registry.served(key, serialHex ?? "", { actor: self, reason: "a probe has seen it" });
    else if (source === "registry" && scheme === "https") provisioning.found(key, TOLD[verdict]);
  }
}

/** What an agent is told of a service that answers. */
const TOLD = {
  expired: "served-expired",
  plaintext: "served-nothing",
  ...{ foreign: "served-foreign", self_signed: "served-foreign", wrong_name: "served-foreign" },
  ...{ revoked: "served-foreign", invalid: "served-foreign" },
} as const satisfies Record<Exclude<Verdict, "ours" | "unreachable">, RenewalReason>;

function nextRecord(
  seen: Observation,
  endpoint: string,
  whose: Whose,
  known: EndpointRecord | undefined,
): EndpointRecord {
  const { verdict, reason, detail, isOurs, health, at } = seen;
  const isThere = verdict !== "unreachable";
  const chain = seen.chain.map(({ fingerprintSha256 }) => fingerprintSha256);
  const isSame = known !== undefined && known.verdict === verdict && known.chain[0] === chain[0];
  return {
    ...{ organisation: whose.organisation, endpoint, verdict, reason, detail, isOurs, chain },
    // A sweep does not know whose it is, and does not make others forget it.
    service: whose.service || (known?.service ?? ""),
    source: whose.service === "" && known ? known.source : whose.source,
    ...{ address: seen.address ?? "", tlsVersion: seen.protocol, cipher: seen.cipher, stapledOcsp: seen.stapled },
    notAfter: seen.chain[0]?.notAfter,
    ...{ health: health?.health ?? "", healthReason: health?.reason ?? "" },
    failures: isThere ? 0 : (known?.failures ?? 0) + 1,
    ...{ firstSeenAt: known?.firstSeenAt ?? at, lastSeenAt: isThere ? at : (known?.lastSeenAt ?? at) },
    ...{ probedAt: at, changedAt: isSame ? known.changedAt : at },
  };
}

function toCertificate({ fingerprintSha256, ...certificate }: ServedCertificate, at: Date) {
  return { ...certificate, fingerprint: fingerprintSha256, firstSeenAt: at, lastSeenAt: at };
}
