import { randomBytes } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { CreateKeyRequest, KeyPurpose } from "@vcc-pki/proto/hsm";
import { isKeyAlgorithmId } from "@vcc-pki/x509";
import type { CustodianStore } from "./custodian-store.ts";
import { createKeyPair, destroyKeyPair } from "./key-pair.ts";
import type { KeyIntent, KeyRecord } from "./key-store.ts";
import type { KeysOptions } from "./keys.ts";
import { PURPOSE_NAMES, parsePolicy } from "./policy.ts";
import { contentSha256, requestIdReused, requireRequestId, type Who } from "./request.ts";

export interface KeyCreationOptions extends KeysOptions {
  readonly custodians: CustodianStore;
  /** Whether a root-ca key without quorum is refused. */
  readonly rootKeysNeedQuorum: boolean;
}

/** How keys come into being: 1. intent in the database, 2. key in the token, proven, 3. fact. */
export class KeyCreation {
  readonly #options: KeyCreationOptions;
  /** By caller and request id, so that a request sent twice at once makes one key. */
  readonly #running = new Map<string, Promise<KeyRecord>>();
  readonly #inProgress = new Set<string>();

  constructor(options: KeyCreationOptions) {
    this.#options = options;
  }

  /** Makes a key. `purposes` are those this caller may make keys for. A repeat returns the first key. Throws CALLER_NOT_ALLOWED,
   *  KEY_NOT_ALLOWED, KEY_POLICY_INVALID, REQUEST_ID_REUSED, HSM_UNAVAILABLE. */
  create(request: CreateKeyRequest, purposes: readonly string[], who: Who): Promise<KeyRecord> {
    const organisation = request.policy?.organisation ?? "";
    const act = { action: "key.create", organisation, requestId: request.requestId };
    return this.#options.trail.refusals(who, act, async () => {
      const intent = this.#check(request, purposes, who.caller);
      const id = `${who.caller} ${request.requestId}`;
      // From the last look to the entry in the map nothing is awaited.
      for (let other = this.#running.get(id); other; other = this.#running.get(id)) await other.catch(() => {});
      const first = this.#options.keys.findByRequest(who.caller, request.requestId);
      if (first && !Buffer.from(intent.requestSha256).equals(first.requestSha256)) throw requestIdReused();
      if (first?.key) return first.key;
      const creation = this.#create(intent, who).finally(() => this.#running.delete(id));
      this.#running.set(id, creation);
      return creation;
    });
  }

  /** Takes back keys that a crash or an absent token left half made: nobody was told of them. Throws HSM_UNAVAILABLE. */
  async recover(): Promise<void> {
    const { keys, token, store, log } = this.#options;
    for (const keyId of keys.inState("creating")) {
      if (this.#inProgress.has(keyId)) continue;
      await token.change((connection) => destroyKeyPair(connection, keyId));
      await store.write(() => keys.deleteIntent(keyId));
      log.warn("half-made key taken back", { keyId });
    }
  }

  #check(request: CreateKeyRequest, purposes: readonly string[], creator: string): KeyIntent {
    const { requestId, label, keyAlgorithm } = request;
    requireRequestId(requestId);
    if (!/^[\x20-\x7e]{1,64}$/.test(label)) {
      throw new PkiError("REQUEST_MALFORMED", "label is not 1 to 64 ASCII characters");
    }
    if (!isKeyAlgorithmId(keyAlgorithm)) throw new PkiError("KEY_NOT_ALLOWED", `no keys of kind "${keyAlgorithm}"`);
    const policy = parsePolicy(request.policy, keyAlgorithm, creator);
    if (!purposes.includes(PURPOSE_NAMES[policy.purpose])) {
      throw new PkiError("CALLER_NOT_ALLOWED", `this caller makes no ${PURPOSE_NAMES[policy.purpose]} keys`);
    }
    const { custodians, clock, rootKeysNeedQuorum } = this.#options;
    if (policy.quorumThreshold === 0 && policy.purpose === KeyPurpose.ROOT_CA && rootKeysNeedQuorum) {
      throw new PkiError("KEY_POLICY_INVALID", "a root key needs a quorum");
    }
    if (policy.quorumThreshold > (custodians.current()?.custodians.length ?? 0)) {
      throw new PkiError("KEY_POLICY_INVALID", "the quorum needs more custodians than there are");
    }
    const requestSha256 = contentSha256(CreateKeyRequest.encode({ ...request, requestId: "" }).finish());
    const keyId = randomBytes(16).toString("hex");
    return { keyId, label, keyAlgorithm, policy, creator, requestId, requestSha256, createdAt: clock.now() };
  }

  async #create(intent: KeyIntent, who: Who): Promise<KeyRecord> {
    const { keyId } = intent;
    this.#inProgress.add(keyId);
    try {
      await this.recover(); // an earlier attempt of this very request may have been interrupted
      await this.#write(intent, who, "requested", () => this.#options.keys.insert(intent));
      const spkiDer = await this.#makeKeyPair(intent);
      await this.#write(intent, who, "done", () => this.#options.keys.activate(keyId, spkiDer));
    } finally {
      this.#inProgress.delete(keyId);
    }
    const key = this.#options.keys.find(intent.policy.organisation, keyId);
    if (!key) throw new Error("a key is missing that was just made");
    const { keyAlgorithm, policy } = intent;
    const { organisation, purpose } = policy;
    this.#options.log.info("key created", { keyId, keyAlgorithm, organisation, purpose: PURPOSE_NAMES[purpose] });
    return key;
  }

  async #makeKeyPair({ keyId, label, keyAlgorithm, policy }: KeyIntent): Promise<Uint8Array> {
    const { token, keys, store, log } = this.#options;
    const signatureAlgorithms = [...policy.signatureAlgorithms];
    const specification = { keyId, label, keyAlgorithm, signatureAlgorithms, copyable: policy.copyable };
    try {
      return await token.change((connection) => {
        destroyKeyPair(connection, keyId); // `run` comes here again when the first connection was lost halfway
        return createKeyPair(connection, specification);
      });
    } catch (error) {
      try {
        await token.change((connection) => destroyKeyPair(connection, keyId));
        await store.write(() => keys.deleteIntent(keyId));
      } catch (cause) {
        log.warn("half-made key could not be taken back yet", { keyId, error: cause });
      }
      throw error;
    }
  }

  async #write(intent: KeyIntent, who: Who, outcome: "requested" | "done", work: () => void): Promise<void> {
    const { store, keys, token } = this.#options;
    const { keyId, keyAlgorithm, policy, requestId } = intent;
    const details = { keyAlgorithm, purpose: PURPOSE_NAMES[policy.purpose], token: token.description };
    try {
      await store.write(() => {
        work();
        const target = { organisation: policy.organisation, target: keyId, requestId };
        store.audit.add({ action: "key.create", outcome, ...target, ...who, details });
      });
    } finally {
      keys.forget(keyId);
    }
  }
}
