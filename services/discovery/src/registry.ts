import { PkiError } from "@vcc-pki/errors";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { activeFact, certifiedFact, changeFact, servedFact } from "./service-facts.ts";
import {
  type CertificateBinding,
  isCertified,
  type ServiceFields,
  type ServiceKey,
  type ServiceRecord,
  serialOf,
} from "./service-record.ts";
import { type Change, type ServiceState, stateAfter } from "./states.ts";
import type { ChangeTable } from "./store/changes.ts";
import type { ServiceFilter, ServiceTable } from "./store/services.ts";

export interface RegistryOptions {
  readonly store: Store;
  readonly table: ServiceTable;
  readonly changes: ChangeTable;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Who did it, SPIFFE URI, and why, for people. */
export interface Cause {
  readonly actor: string;
  readonly reason: string;
}

/** Called inside the transaction of every change, with the service as it is then. */
export type ChangeListener = (record: ServiceRecord, change: string) => void;

/** Which services there are. What changes something is called inside `store.write`: a change, its place in the history and its event are one
 *  transaction with whatever caused it. */
export class Registry {
  readonly #options: RegistryOptions;
  readonly #listeners: ChangeListener[] = [];

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  find(key: ServiceKey): ServiceRecord | undefined {
    return this.#options.table.find(key);
  }

  /** Throws NOT_FOUND. */
  get(key: ServiceKey): ServiceRecord {
    const record = this.find(key);
    if (record === undefined) throw new PkiError("NOT_FOUND", "no such service");
    return record;
  }

  /** In the order of their names, those after `after`. */
  page(filter: ServiceFilter, after: string, limit: number): ServiceRecord[] {
    return this.#options.table.page(filter, after, limit);
  }

  /** Of every organisation, those that are not inactive. */
  all(): ServiceRecord[] {
    return this.#options.table.all();
  }

  /** Services that the agent of this one looks after beside its own. */
  managedBy(key: ServiceKey): ServiceRecord[] {
    return this.#options.table.managedBy(key);
  }

  onChange(listener: ChangeListener): void {
    this.#listeners.push(listener);
  }

  /** A source has seen a service. One that is known already is left as it is. */
  observe(key: ServiceKey, fields: ServiceFields, source: string, cause: Cause): ServiceRecord {
    return this.find(key) ?? this.#begin("discovered", key, fields, source, cause);
  }

  /** An administrator says what it is. Throws ALREADY_EXISTS when that has been done. */
  register(key: ServiceKey, fields: ServiceFields, cause: Cause): ServiceRecord {
    return this.#begin("registered", key, fields, "administrator", cause);
  }

  /** Replaces what is said of it. Throws NOT_FOUND, VERSION_CONFLICT when `version` is not the one there is; 0: whichever. */
  update(key: ServiceKey, fields: ServiceFields, version: number, cause: Cause): ServiceRecord {
    const known = this.get(key);
    if (version !== 0 && version !== known.version)
      throw new PkiError("VERSION_CONFLICT", `the service has version ${known.version} now`);
    const updated = { ...known, ...fields, version: known.version + 1, changedAt: this.#options.clock.now() };
    return this.#put("updated", known.state, updated, cause);
  }

  /** Lets it have an identity. One that is approved already is left as it is; one that has a valid certificate is active at once. */
  approve(key: ServiceKey, cause: Cause): ServiceRecord {
    const known = this.get(key);
    if (stateAfter("approved", known.state) === undefined) return known;
    const approval = { by: cause.actor, at: this.#options.clock.now() };
    const approved = this.#move("approved", known, { approval }, cause);
    if (!isCertified(approved, this.#options.clock.now())) return approved;
    return this.#certified(approved, {}, { ...cause, reason: "it has a valid certificate" });
  }

  /** An administrator lets a service have an identity that may not have been registered: then it is, with these fields. */
  admit(key: ServiceKey, fields: ServiceFields, cause: Cause): ServiceRecord {
    if (stateAfter("registered", this.find(key)?.state) !== undefined) this.register(key, fields, cause);
    return this.approve(key, cause);
  }

  /** The ca has certified it. An older certificate than the one that is known changes nothing. */
  certify(key: ServiceKey, certificate: CertificateBinding, cause: Cause): ServiceRecord | undefined {
    const known = this.find(key);
    if (known === undefined || !isNewer(certificate, known.certificate)) return known;
    return this.#certified(known, { certificate }, cause);
  }

  /** Its certificate was revoked. */
  revoke(organisation: string, certificateId: string, revokedAt: Date, cause: Cause): void {
    const known = this.#options.table.findByCertificate(organisation, certificateId);
    if (known?.certificate === undefined || known.certificate.revokedAt !== undefined) return;
    this.#move("lapsed", known, { certificate: { ...known.certificate, revokedAt } }, cause);
  }

  /** A hold on its certificate has ended. */
  release(organisation: string, certificateId: string, cause: Cause): void {
    const known = this.#options.table.findByCertificate(organisation, certificateId);
    if (known?.certificate?.revokedAt === undefined) return;
    const released = { ...known, certificate: { ...known.certificate, revokedAt: undefined } };
    if (isCertified(released, this.#options.clock.now())) this.#certified(released, {}, cause);
    else this.#put("released", known.state, released, cause);
  }

  /** Those whose certificates have ended have none any more. Returns how many, `limit` at most. */
  lapse(limit: number, actor: string): number {
    const ended = this.#options.table.ended(this.#options.clock.now(), limit);
    for (const known of ended) this.#move("lapsed", known, {}, { actor, reason: "its certificate has expired" });
    return ended.length;
  }

  /** A probe has reached it. */
  reached(key: ServiceKey, cause: Cause): void {
    const known = this.find(key);
    if (known === undefined) return;
    this.#options.table.setSeen(key, this.#options.clock.now());
    if (known.state === "unreachable")
      this.#move("reached", { ...known, seenAt: this.#options.clock.now() }, {}, cause);
  }

  /** Probes do not reach it. */
  unreachable(key: ServiceKey, cause: Cause): void {
    const known = this.find(key);
    if (known?.state === "active") this.#move("unreachable", known, {}, cause);
  }

  /** It was seen serving the certificate that it is known to have. Returns whether it is that one. */
  served(key: ServiceKey, serialHex: string, cause: Cause): boolean {
    const known = this.find(key);
    if (known?.certificate === undefined || serialOf(known.certificate) !== serialHex) return false;
    if (known.certificate.servedAt !== undefined) return true;
    const now = this.#options.clock.now();
    const certificate = { ...known.certificate, servedAt: now };
    const seen = this.#put("served", known.state, { ...known, certificate, seenAt: now }, cause);
    this.#options.store.outbox.add(servedFact(seen, certificate));
    return true;
  }

  /** Its agent is there. */
  seen(key: ServiceKey): void {
    this.#options.table.setSeen(key, this.#options.clock.now());
  }

  /** Something that does not change its state, for the history. */
  note(key: ServiceKey, change: string, cause: Cause): void {
    const known = this.get(key);
    this.#options.changes.insert({
      ...{ ...cause, change, organisation: key.organisation, service: key.service },
      ...{ from: known.state, to: known.state, at: this.#options.clock.now() },
    });
  }

  /** Throws NOT_FOUND. One that is inactive is left as it is. */
  remove(key: ServiceKey, cause: Cause): ServiceRecord {
    const known = this.get(key);
    return known.state === "inactive" ? known : this.#move("removed", known, { approval: undefined }, cause);
  }

  #begin(change: Change, key: ServiceKey, fields: ServiceFields, source: string, cause: Cause): ServiceRecord {
    const known = this.find(key);
    const state = stateAfter(change, known?.state);
    if (state === undefined) throw new PkiError("ALREADY_EXISTS", "a service of this name is registered");
    const now = this.#options.clock.now();
    const { organisation, service } = key;
    const begun: ServiceRecord = {
      ...{ certificate: undefined, seenAt: undefined, ...known, ...fields, organisation, service, state, source },
      ...{ stateReason: cause.reason, registeredAt: now, changedAt: now, version: (known?.version ?? 0) + 1 },
      approval: undefined,
    };
    return this.#put(change, known?.state, begun, cause);
  }

  #certified(known: ServiceRecord, fields: Partial<ServiceRecord>, cause: Cause): ServiceRecord {
    const certified = this.#move("certified", known, fields, cause);
    const { outbox } = this.#options.store;
    if (fields.certificate !== undefined) outbox.add(certifiedFact(certified, fields.certificate));
    if (certified.state === "active" && known.state !== "active") outbox.add(activeFact(certified, cause.reason));
    return certified;
  }

  /** Throws a plain error where the table of states does not admit it: whoever calls has looked. */
  #move(change: Change, known: ServiceRecord, fields: Partial<ServiceRecord>, cause: Cause): ServiceRecord {
    const state = stateAfter(change, known.state);
    if (state === undefined) throw new Error(`${change} cannot happen to a service that is ${known.state}`);
    const stateReason = state === known.state ? known.stateReason : cause.reason;
    const moved = { ...known, ...fields, state, stateReason, changedAt: this.#options.clock.now() };
    return this.#put(change, known.state, moved, cause);
  }

  #put(change: string, from: ServiceState | undefined, record: ServiceRecord, cause: Cause): ServiceRecord {
    const { store, table, changes, log } = this.#options;
    const { organisation, service, state, changedAt } = record;
    table.put(record);
    changes.insert({ organisation, service, change, from, to: state, ...cause, at: changedAt });
    const fact = changeFact(change, record, cause.reason);
    if (fact !== undefined) store.outbox.add(fact);
    for (const listener of this.#listeners) listener(record, change);
    log.info("service changed", { organisation, service, change, state });
    return record;
  }
}

/** The same one again, as events bring it, is not newer. */
function isNewer(certificate: CertificateBinding, known: CertificateBinding | undefined): boolean {
  if (known === undefined) return true;
  if (known.certificateId === certificate.certificateId) return false;
  return certificate.notBefore >= known.notBefore;
}
