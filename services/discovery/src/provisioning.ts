import { event } from "@vcc-pki/events";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import type { Registry } from "./registry.ts";
import { isApproved, isCertified, type ServiceKey, type ServiceRecord } from "./service-record.ts";
import type { NoticeTable, RenewalReason } from "./store/notices.ts";

export interface ProvisioningOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly notices: NoticeTable;
  readonly clock: Clock;
  readonly self: string;
}

/** How long an agent may take from a certificate to serving it before it is told again. */
const DEPLOYMENT_MS = 600_000;

/** Services that are to have a certificate, and have none, or do not serve it: their agents are told, once until it is done. An agent renews at two thirds of a
 *  certificate's life without being told; at three quarters it is reminded. */
export class Provisioning {
  readonly #options: ProvisioningOptions;

  constructor(options: ProvisioningOptions) {
    this.#options = options;
    options.registry.onChange((record, change) => this.#follow(record, change));
  }

  /** A probe has found that a service does not serve what it has, or nothing at all. For `store.write`. Nobody is told for a service that is not
   *  approved, or that has got its certificate just now. Returns whether somebody was. */
  found(key: ServiceKey, reason: RenewalReason): boolean {
    const record = this.#options.registry.find(key);
    return record !== undefined && this.#tell(record, reason);
  }

  /** Tells those whose certificates are about to end. For `store.write`. */
  remind(): void {
    const now = this.#options.clock.now().getTime();
    for (const record of this.#options.registry.all()) {
      if (record.certificate === undefined || !isCertified(record, this.#options.clock.now())) continue;
      const { notBefore, notAfter } = record.certificate;
      const life = notAfter.getTime() - notBefore.getTime();
      if (notAfter.getTime() - now < life / 4) this.#tell(record, "expiring");
    }
  }

  /** Inside the transaction of every change of a service. */
  #follow(record: ServiceRecord, change: string): void {
    const { notices, clock } = this.#options;
    if (change === "certified" || change === "removed") notices.finish(record, clock.now());
    const isNeedy = record.state === "pending_cert" && !isCertified(record, clock.now());
    if (isNeedy && record.managedBy !== "") this.#tell(record, "no-certificate");
  }

  #tell(record: ServiceRecord, reason: RenewalReason): boolean {
    const { store, registry, notices, clock, self } = this.#options;
    const { organisation, service, certificate } = record;
    const now = clock.now();
    const isBeingDeployed =
      isCertified(record, now) &&
      certificate?.servedAt === undefined &&
      now.getTime() - record.changedAt.getTime() < DEPLOYMENT_MS;
    if (!isApproved(record) || isBeingDeployed || notices.findOpen(record) !== undefined) return false;
    const agent = record.managedBy || service;
    notices.insert({ organisation, service, agent, reason }, now);
    registry.note(record, "told", { actor: self, reason: `${reason}: the agent of ${agent} was told` });
    store.outbox.add(event("pki.service.told.v1", organisation, { service, agent, reason }));
    return true;
  }
}
