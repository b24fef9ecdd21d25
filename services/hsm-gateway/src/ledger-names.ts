import type { Store } from "@vcc-pki/store";
import type { Signed } from "./ledger.ts";

/** Numbers of what is known, kept in memory; requesters are people, so there is no end to them. */
const MAX_KNOWN = 10_000;

/** The tables `ledger_callers` and `ledger_contexts`: what entries have in common, written once. Numbers are made inside
 *  `store.write`; `forget` follows a write that failed, for it may have taken them back. */
export class LedgerNames {
  readonly #sql;
  readonly #callers = new Map<string, number>();
  readonly #contexts = new Map<string, number>();

  constructor(store: Store) {
    this.#sql = prepare(store.db);
  }

  callerId(caller: string): number {
    let id = this.#callers.get(caller);
    if (id === undefined) {
      id = this.findCallerId(caller) ?? Number(this.#sql.insertCaller.run(caller).lastInsertRowid);
      this.#callers.set(caller, id);
    }
    return id;
  }

  findCallerId(caller: string): number | undefined {
    return this.#callers.get(caller) ?? this.#sql.caller.get(caller)?.id;
  }

  contextId({ keyId, signatureAlgorithm, payloadType, requester, organisation, purpose }: Signed): number {
    const name = `${keyId} ${signatureAlgorithm} ${payloadType} ${requester}`;
    let id = this.#contexts.get(name);
    if (id === undefined) {
      const columns = [keyId, signatureAlgorithm, payloadType, requester, organisation, purpose] as const;
      id = this.#sql.context.get(...columns)?.id ?? Number(this.#sql.insertContext.run(...columns).lastInsertRowid);
      if (this.#contexts.size >= MAX_KNOWN) this.#contexts.clear();
      this.#contexts.set(name, id);
    }
    return id;
  }

  forget(): void {
    this.#callers.clear();
    this.#contexts.clear();
  }
}

const CONTEXT = "key_id, signature_algorithm, payload_type, requester, organisation, purpose";
type ContextColumns = [string, string, string, string, string, string];

function prepare(db: Store["db"]) {
  return {
    caller: db.prepare<[string], { id: number }>("SELECT caller_id AS id FROM ledger_callers WHERE caller = ?"),
    insertCaller: db.prepare<[string]>("INSERT INTO ledger_callers (caller) VALUES (?)"),
    context: db.prepare<ContextColumns, { id: number }>(
      `SELECT context_id AS id FROM ledger_contexts WHERE (${CONTEXT}) = (?, ?, ?, ?, ?, ?)`,
    ),
    insertContext: db.prepare<ContextColumns>(`INSERT INTO ledger_contexts (${CONTEXT}) VALUES (?, ?, ?, ?, ?, ?)`),
  };
}
