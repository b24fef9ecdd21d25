import type { Database } from "@vcc-pki/store";
import type { ServiceKey } from "../service-record.ts";
import type { ServiceState } from "../states.ts";

/** One thing that has happened to a service. */
export interface ServiceChange extends ServiceKey {
  /** A change of state by its name, or a step such as "told", "served", "failed". */
  readonly change: string;
  /** undefined: there was none. */
  readonly from: ServiceState | undefined;
  readonly to: ServiceState;
  readonly reason: string;
  /** SPIFFE URI. */
  readonly actor: string;
  readonly at: Date;
}

interface Row {
  organisation: string;
  service: string;
  change: string;
  from_state: ServiceState | null;
  to_state: ServiceState;
  reason: string;
  actor: string;
  at: number;
}

/** The history of services: it only grows. What writes belongs inside `store.write`. */
export class ChangeTable {
  readonly #sql;

  constructor(db: Database) {
    this.#sql = {
      insert: db.prepare(
        `INSERT INTO service_changes (organisation, service, change, from_state, to_state, reason, actor, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      list: db.prepare<[string, string, number], Row>(
        `SELECT organisation, service, change, from_state, to_state, reason, actor, at FROM service_changes
         WHERE organisation = ? AND service = ? ORDER BY change_id DESC LIMIT ?`,
      ),
    };
  }

  insert({ organisation, service, change, from, to, reason, actor, at }: ServiceChange): void {
    this.#sql.insert.run(organisation, service, change, from ?? null, to, reason, actor, at.getTime());
  }

  /** The newest first. */
  list({ organisation, service }: ServiceKey, limit: number): ServiceChange[] {
    return this.#sql.list.all(organisation, service, limit).map(({ from_state, to_state, at, ...row }) => ({
      ...row,
      ...{ from: from_state ?? undefined, to: to_state, at: new Date(at) },
    }));
  }
}
