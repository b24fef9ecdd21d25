import { event } from "@vcc-pki/events";
import type { Store } from "@vcc-pki/store";
import { serialToHex } from "@vcc-pki/x509";
import type { SummaryTable } from "./store/summary.ts";
import type { StoredToken } from "./store/tokens.ts";

interface TokenName {
  readonly serial: Uint8Array;
  readonly genTime: Date;
}

/** Tokens of one unit for one organisation that no event has told of yet. */
export interface Tally {
  readonly unit: string;
  readonly organisation: string;
  readonly count: number;
  readonly first: TokenName;
  readonly last: TokenName;
}

/** Tells by events how many tokens were issued: thousands in a second are too many to tell of each. Every token in the log is counted once. */
export class Summary {
  readonly #store: Store;
  readonly #table: SummaryTable;
  readonly #replica: string;
  #tallies = new Map<string, Tally>();
  /** The last token that is counted. */
  #last: number;

  /** Counts what the last run of the service has left uncounted. */
  constructor(store: Store, table: SummaryTable, replica: string) {
    this.#store = store;
    this.#table = table;
    this.#replica = replica;
    const told = table.lastTold();
    for (const tally of table.tallyAfter(told)) this.#merge(tally);
    this.#last = Math.max(told, table.lastToken());
  }

  /** Counts a token that is in the log. */
  add({ token, organisation, serial, genTime }: StoredToken, unit: string): void {
    this.#last = Math.max(this.#last, token);
    const name = { serial, genTime };
    this.#merge({ unit, organisation, count: 1, first: name, last: name });
  }

  /** Tells what was counted. Rejects with STORE_UNAVAILABLE, and then tells it the next time. */
  async tell(): Promise<void> {
    if (this.#tallies.size === 0) return;
    const tallies = this.#tallies;
    const last = this.#last;
    this.#tallies = new Map();
    try {
      await this.#store.write(() => {
        for (const tally of tallies.values()) this.#store.outbox.add(this.#toEvent(tally));
        this.#table.setLastTold(last);
      });
    } catch (error) {
      if (this.#table.lastTold() >= last) return; // stored all the same
      const since = [...this.#tallies.values()];
      this.#tallies = tallies;
      for (const tally of since) this.#merge(tally);
      throw error;
    }
  }

  #toEvent({ unit, organisation, count, first, last }: Tally) {
    return event("pki.timestamp.issued.v1", organisation, {
      ...{ unit, replica: this.#replica, count },
      ...{ firstSerialHex: serialToHex(first.serial), lastSerialHex: serialToHex(last.serial) },
      ...{ firstGenTime: first.genTime.toISOString(), lastGenTime: last.genTime.toISOString() },
    });
  }

  #merge(tally: Tally): void {
    const name = `${tally.organisation} ${tally.unit}`;
    const known = this.#tallies.get(name);
    this.#tallies.set(
      name,
      known === undefined ? tally : { ...known, count: known.count + tally.count, last: tally.last },
    );
  }
}
