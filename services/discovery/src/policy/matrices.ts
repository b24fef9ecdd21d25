import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import { Decider, type Finding, isError, type Matrix, matrixFromJson, matrixToJson, readMatrix } from "@vcc-pki/matrix";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import type { ServiceRecord } from "../service-record.ts";
import type { MatrixRecord, MatrixTable } from "../store/matrices.ts";
import type { ServiceTypes } from "./service-types.ts";

/** Under which the shipped matrix is kept. No organisation has this name. */
export const SHIPPED = "";

export interface MatricesOptions {
  readonly store: Store;
  readonly table: MatrixTable;
  readonly types: ServiceTypes;
  readonly clock: Clock;
}

/** What holds in an organisation, ready to decide. */
export interface InForce {
  readonly record: MatrixRecord;
  /** With the types that its services have now. */
  readonly matrix: Matrix;
  readonly decider: Decider;
}

/** Who changes it, and what else belongs into that transaction. */
export interface Change {
  readonly organisation: string;
  readonly yaml: string;
  readonly actor: string;
  /** The version that is replaced; 0: whichever. */
  readonly expectedVersion: number;
}

/** The matrix of each organisation: what it has put, or what is shipped. Read once, and again when it or the type of a service changes. */
export class Matrices {
  readonly #options: MatricesOptions;
  readonly #inForce = new Map<string, InForce>();

  constructor(options: MatricesOptions) {
    this.#options = options;
  }

  /** undefined: there is none, and nothing is allowed. */
  inForce(organisation: string): InForce | undefined {
    const known = this.#inForce.get(organisation);
    if (known !== undefined) return known;
    const record = this.newest(organisation);
    if (record === undefined) return undefined;
    const matrix = { ...matrixFromJson(JSON.parse(record.document)), types: this.#options.types.of(organisation) };
    const entry = { record, matrix, decider: new Decider(matrix) };
    if (this.#inForce.size >= MAX_ORGANISATIONS) this.#inForce.clear();
    this.#inForce.set(organisation, entry);
    return entry;
  }

  newest(organisation: string): MatrixRecord | undefined {
    return this.#options.table.newest(organisation) ?? this.#options.table.newest(SHIPPED);
  }

  find(organisation: string, version: number): MatrixRecord | undefined {
    return version === 0 ? this.newest(organisation) : this.#options.table.find(organisation, version);
  }

  /** As the organisation's services are now. Nothing is changed by it. */
  read(organisation: string, yaml: string): { readonly matrix?: Matrix; readonly findings: readonly Finding[] } {
    const { types } = this.#options;
    return readMatrix(yaml, { types: organisation === SHIPPED ? types.shipped : types.of(organisation) });
  }

  /** Brings a matrix that was read into force. Inside `store.write`; whoever calls it forgets afterwards, whatever became of the transaction.
   *  Throws VERSION_CONFLICT. */
  put(change: Change, matrix: Matrix, findings: readonly Finding[], eventOf: string): MatrixRecord {
    const { store, table, clock } = this.#options;
    const { organisation, yaml, actor: putBy, expectedVersion } = change;
    const current = table.newest(organisation)?.version ?? 0;
    if (expectedVersion !== 0 && expectedVersion !== current)
      throw new PkiError("VERSION_CONFLICT", `the matrix has version ${current} now`);
    const version = current + 1;
    const document = JSON.stringify(matrixToJson(matrix, { organisation, version }));
    const record = {
      organisation,
      version,
      yaml,
      sha256: sha256Of(yaml),
      document,
      findings,
      putBy,
      putAt: clock.now(),
    };
    table.insert(record);
    store.outbox.add(
      event("pki.policy.changed.v1", eventOf, { policy: "matrix", policyId: idOf(organisation), version }),
    );
    return record;
  }

  /** Tells that one was not taken. Inside `store.write`. */
  refuse(organisation: string, findings: readonly Finding[], eventOf: string): void {
    const detail = (textOf(findings)[0] ?? "").slice(0, MAX_DETAIL);
    this.#options.store.outbox.add(
      event("pki.policy.refused.v1", eventOf, { policy: "matrix", policyId: idOf(organisation), detail }),
    );
  }

  /** What was read is read again. `organisation` undefined: of all. */
  forget(organisation?: string): void {
    if (organisation === undefined || organisation === SHIPPED) this.#inForce.clear();
    else this.#inForce.delete(organisation);
  }

  /** A service has changed: its type may have. Within the transaction, which may still fail; what is forgotten then is read as it was. */
  onService(record: ServiceRecord): void {
    const { organisation, service } = record;
    const types = this.#inForce.get(organisation)?.matrix.types;
    if (types === undefined) return;
    const known = Object.hasOwn(types, service) ? types[service] : undefined;
    if (known !== this.#options.types.typeOf(record)) this.forget(organisation);
  }
}

const MAX_ORGANISATIONS = 1_000;
const MAX_DETAIL = 300;

export const sha256Of = (yaml: string): Uint8Array => hash("sha256", yaml, "buffer");
const idOf = (organisation: string): string => organisation || "shipped";

/** Errors first: "line 9: unknown-service: …". */
export const textOf = (findings: readonly Finding[]): readonly string[] =>
  [...findings.filter(isError), ...findings.filter((each) => !isError(each))].map(
    ({ line, kind, message }) => `line ${line}: ${kind}: ${message}`,
  );
