import { event } from "@vcc-pki/events";
import type { Store } from "@vcc-pki/store";
import type { AuditRecord, Logger } from "@vcc-pki/telemetry";

/** Which key, of which unit. */
export interface KeyName {
  readonly unit: string;
  readonly organisation: string;
  readonly keyId: string;
}

/** The life of units' keys on record (EN 319 421 section 7.13): audit, event, log. All but the log is written by the transaction of what it
 *  tells, so these belong inside `store.write`. */
export class KeyRecords {
  readonly #store: Store;
  readonly #self: string;
  readonly #log: Logger;

  /** `self` is the service's SPIFFE URI. */
  constructor(store: Store, self: string, log: Logger) {
    this.#store = store;
    this.#self = self;
    this.#log = log;
  }

  created({ keyAlgorithm, ...key }: KeyName & { readonly keyAlgorithm: string }): void {
    const { unit, organisation, keyId } = key;
    this.#audit("unit-key.create", "done", key, { keyAlgorithm });
    this.#store.outbox.add(event("pki.key.created.v1", organisation, { keyId, purpose: "time-stamping", unit }));
    this.#log.info("unit key made", { unit, keyId });
  }

  certified({
    serialHex,
    signsUntil,
    ...key
  }: KeyName & { readonly serialHex: string; readonly signsUntil: Date }): void {
    this.#audit("unit-key.certify", "done", key, { serialHex, signsUntil: signsUntil.toISOString() });
    this.#log.info("unit certified", { unit: key.unit, serialHex, signsUntil });
  }

  retired({ why, ...key }: KeyName & { readonly why: string }): void {
    this.#audit("unit-key.retire", "done", key, { why });
    this.#log.info("unit key retired", { unit: key.unit, keyId: key.keyId, why });
  }

  destroying(key: KeyName): void {
    this.#audit("unit-key.destroy", "requested", key);
  }

  destroyed(key: KeyName): void {
    const { unit, organisation, keyId } = key;
    this.#audit("unit-key.destroy", "done", key);
    this.#store.outbox.add(event("pki.key.destroyed.v1", organisation, { keyId, purpose: "time-stamping", unit }));
    this.#log.info("unit key destroyed", { unit, keyId });
  }

  #audit(
    action: string,
    outcome: AuditRecord["outcome"],
    { unit, organisation, keyId }: KeyName,
    details?: Record<string, unknown>,
  ): void {
    const caller = this.#self;
    const target = keyId === "" ? undefined : keyId;
    this.#store.audit.add({
      ...{ action, outcome, caller, requester: caller, organisation, target },
      details: { unit, ...details },
    });
  }
}
