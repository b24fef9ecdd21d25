import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { destroyKeyPair, evictKey } from "./key-pair.ts";
import type { KeyRecord, KeyStore } from "./key-store.ts";
import type { Quorum } from "./quorum.ts";
import { noSuchKey, requireRequestId, type Who } from "./request.ts";
import type { Token } from "./token.ts";
import type { Trail } from "./trail.ts";

export interface KeysOptions {
  readonly store: Store;
  readonly keys: KeyStore;
  readonly token: Token;
  readonly quorum: Quorum;
  readonly trail: Trail;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A key as its creator names it. */
export interface KeyReference {
  readonly requestId: string;
  readonly organisation: string;
  readonly keyId: string;
}

/** Keys as they are seen, disabled and destroyed. Between the intent to destroy and its fact stands the token; `recover` finishes
 *  what was interrupted there. */
export class Keys {
  readonly #options: KeysOptions;

  constructor(options: KeysOptions) {
    this.#options = options;
    options.quorum.executes("destroy-key", ({ organisation, keyId, caller, requester, requestId }) =>
      this.#destroy(this.#get(organisation, keyId), { caller, requester }, requestId),
    );
  }

  /** The key, if this caller made it or may use it, or reads for people. Throws NOT_FOUND. */
  get(organisation: string, keyId: string, caller: string, isReader: boolean): KeyRecord {
    const key = this.#get(organisation, keyId);
    if (!isReader && !isVisible(key, caller)) throw noSuchKey();
    return key;
  }

  /** As `get`, in the order of their ids. */
  list(organisation: string, after: string, limit: number, caller: string, isReader: boolean): KeyRecord[] {
    const found: KeyRecord[] = [];
    for (let last = after; ; ) {
      const page = this.#options.keys.list(organisation, last, limit);
      found.push(...page.filter((key) => isReader || isVisible(key, caller)));
      last = page.at(-1)?.keyId ?? "";
      if (page.length < limit || found.length >= limit) return found.slice(0, limit);
    }
  }

  /** Ends all use of the key; there is no way back. */
  disable({ organisation, keyId, requestId }: KeyReference, who: Who): Promise<KeyRecord> {
    return this.#options.trail.refusals(
      who,
      { action: "key.disable", organisation, target: keyId, requestId },
      async () => {
        requireRequestId(requestId);
        const key = this.#getOwn(organisation, keyId, who.caller);
        if (key.state !== "active") return key;
        const { store, keys, token } = this.#options;
        await this.#write(keyId, () => {
          keys.setState(keyId, "disabled");
          store.audit.add({
            ...{ action: "key.disable", outcome: "done", organisation, target: keyId, requestId, ...who },
          });
        });
        if (token.current) evictKey(token.current, keyId);
        return this.#get(organisation, keyId);
      },
    );
  }

  /** Destroys the key in the token. A key under quorum asks its custodians first, see `Quorum.require`. */
  destroy({ organisation, keyId, requestId }: KeyReference, who: Who): Promise<KeyRecord> {
    return this.#options.trail.refusals(
      who,
      { action: "key.destroy", organisation, target: keyId, requestId },
      async () => {
        requireRequestId(requestId);
        const key = this.#getOwn(organisation, keyId, who.caller);
        if (key.state === "destroyed") return key;
        const { quorumThreshold: threshold } = key.policy;
        if (threshold > 0 && key.state !== "destroying") {
          await this.#options.quorum.require(
            {
              ...{ operation: "destroy-key", organisation, keyId, signatureAlgorithm: "", threshold },
              ...{ payloadType: "subject-public-key-info", payload: key.spkiDer },
            },
            { ...who, requestId },
          );
        } else {
          await this.#write(keyId, await this.#destroy(key, who, requestId));
        }
        return this.#get(organisation, keyId);
      },
    );
  }

  /** Finishes destructions that a crash or an absent token left half done. Throws HSM_UNAVAILABLE. */
  async recover(): Promise<void> {
    const { keys, token, log } = this.#options;
    for (const keyId of keys.inState("destroying")) {
      await token.change((connection) => destroyKeyPair(connection, keyId));
      await this.#write(keyId, () => keys.setState(keyId, "destroyed"));
      log.warn("interrupted destruction finished", { keyId });
    }
  }

  /** Destroys the key and returns what makes it a fact. Signing ends with the intent, before the token is touched. */
  async #destroy(key: KeyRecord, who: Who, requestId: string): Promise<() => void> {
    const { keys, store, token, log } = this.#options;
    const { keyId } = key;
    const { organisation } = key.policy;
    const act = { action: "key.destroy", organisation, target: keyId, requestId, ...who };
    await this.#write(keyId, () => {
      keys.setState(keyId, "destroying");
      store.audit.add({ ...act, outcome: "requested" });
    });
    await token.change((connection) => destroyKeyPair(connection, keyId));
    log.info("key destroyed", { keyId, organisation });
    return () => {
      keys.setState(keyId, "destroyed");
      store.audit.add({ ...act, outcome: "done" });
    };
  }

  /** Whatever comes of the write, what memory holds of this key is read anew. */
  async #write(keyId: string, work: () => void): Promise<void> {
    const { store, keys } = this.#options;
    try {
      await store.write(work);
    } finally {
      keys.forget(keyId);
    }
  }

  #get(organisation: string, keyId: string): KeyRecord {
    const key = this.#options.keys.find(organisation, keyId);
    if (!key) throw noSuchKey();
    return key;
  }

  #getOwn(organisation: string, keyId: string, caller: string): KeyRecord {
    const key = this.#get(organisation, keyId);
    if (key.creator !== caller) throw noSuchKey();
    return key;
  }
}

const isVisible = (key: KeyRecord, caller: string): boolean =>
  key.creator === caller || key.policy.allowedCallers.has(caller);
