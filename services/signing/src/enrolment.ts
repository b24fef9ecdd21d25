import { randomUUIDv7 } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import type { KeyServiceDefinition } from "@vcc-pki/proto/hsm";
import type { CallContext, Remote, RequestKey } from "@vcc-pki/rpc";
import type { SuiteTrust } from "@vcc-pki/service";
import { signCertificationRequest } from "@vcc-pki/signer";
import type { Store } from "@vcc-pki/store";
import type { AuditRecord, Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { equalBytes, parseCertificate } from "@vcc-pki/x509";
import { requireSignerCertificate } from "./signer-certificate.ts";
import { SIGNER_ALGORITHMS, type SignerKeyAlgorithm, signerKeyPolicy } from "./signer-key.ts";
import type { OpenSigner, Signers } from "./signers.ts";
import type { SignerKeyTable, StoredSignerKey } from "./store/signer-keys.ts";

export interface EnrolmentOptions {
  readonly store: Store;
  readonly table: SignerKeyTable;
  readonly signers: Signers;
  readonly keys: Remote<typeof KeyServiceDefinition>;
  readonly openSigner: OpenSigner;
  readonly trust: SuiteTrust;
  readonly trustDomain: string;
  /** The service's own SPIFFE URI. */
  readonly self: string;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface SignerWish {
  readonly organisation: string;
  readonly signer: string;
  readonly keyAlgorithm: SignerKeyAlgorithm;
  readonly profile: string;
}

/** Labels of keys in the token hold so many characters. */
const MAX_LABEL = 64;

/** The life of signers' keys. A certificate is not ours to obtain: whoever breaks in here gets none. An administrator takes the request to
 *  the ca and brings the certificate back. */
export class Enrolment {
  readonly #options: EnrolmentOptions;

  constructor(options: EnrolmentOptions) {
    this.#options = options;
  }

  /** A key and a request for its certificate. Each step stands on record before the next, so that a repeat goes on where it was left.
   *  Throws REQUEST_ID_REUSED, and what the hsm-gateway refuses. */
  async create(wish: SignerWish, request: RequestKey, context: CallContext): Promise<StoredSignerKey> {
    const { store, table, keys, clock } = this.#options;
    // 1 the intent
    const begun = await store.write(
      () =>
        table.findByRequest(request) ?? table.insert(request, { ...wish, signerKeyId: randomUUIDv7() }, clock.now()),
    );
    const { signerKey, signerKeyId, organisation, keyAlgorithm, signer } = begun;
    // 2 the key, under an id of ours
    if (begun.key === undefined) {
      const { keyId, spkiDer } = await keys.createKey({
        ...{ requestId: signerKeyId, keyAlgorithm },
        label: `${signer} of ${organisation}`.slice(0, MAX_LABEL),
        policy: signerKeyPolicy(organisation, keyAlgorithm),
      });
      await store.write(() => {
        if (table.get(signerKey).key !== undefined) return;
        table.setKey(signerKey, keyId, spkiDer);
        this.#record(context, "signer-key.create", begun, { keyId, keyAlgorithm });
        store.outbox.add(event("pki.key.created.v1", organisation, { keyId, purpose: "code-signing" }));
      });
    }
    // 3 the request for its certificate, which is the same each time
    if (begun.csrDer === undefined) {
      const csrDer = await this.#request(table.get(signerKey));
      await store.write(() => table.setCsr(signerKey, csrDer));
    }
    return table.get(signerKey);
  }

  /** Installs a certificate; what signed for the same signer before is replaced in the same moment. The same one again changes nothing.
   *  Throws NOT_FOUND, LINT_FAILED, KEY_NOT_ACTIVE for a key that is retired or has a certificate. */
  async install(
    organisation: string,
    signerKeyId: string,
    chainDer: readonly Uint8Array[],
    context: CallContext,
  ): Promise<StoredSignerKey> {
    const { store, table, signers, trust, clock } = this.#options;
    const { signerKey, signer, key } = this.get(organisation, signerKeyId);
    if (key === undefined) throw new PkiError("KEY_NOT_ACTIVE", "the key is not made yet: repeat CreateSigner");
    const chain = chainDer.map(parseCertificate);
    requireSignerCertificate(chain, {
      ...{ spkiDer: key.spkiDer, identity: this.#identityOf(organisation, signer) },
      ...{ anchors: trust.anchors, now: clock.now() },
    });
    await store.write(() => {
      const stored = table.get(signerKey);
      if (isSameChain(stored.chainDer, chainDer)) return;
      if (stored.retiredAt !== undefined) throw new PkiError("KEY_NOT_ACTIVE", "the key is retired");
      if (stored.chainDer.length > 0) throw new PkiError("KEY_NOT_ACTIVE", "the key has a certificate already");
      table.setChain(signerKey, chainDer);
      this.#record(context, "signer-key.certify", stored, { serialHex: chain[0]?.serialHex });
      const replaced = table
        .listOf(organisation)
        .filter((each) => each.signer === signer && each.signerKey < signerKey && each.chainDer.length > 0);
      for (const each of replaced) this.#retire(each, context, "replaced");
    });
    signers.reload();
    return table.get(signerKey);
  }

  /** Ends a key. What it has signed lives on. */
  async retire(organisation: string, signerKeyId: string, context: CallContext): Promise<StoredSignerKey> {
    const { store, table, signers } = this.#options;
    const { signerKey } = this.get(organisation, signerKeyId);
    try {
      await store.write(() => this.#retire(table.get(signerKey), context, "asked for"));
    } finally {
      signers.reload(); // also when it is not known whether it was stored: what the database says counts at once
    }
    return table.get(signerKey);
  }

  /** Throws NOT_FOUND. */
  get(organisation: string, signerKeyId: string): StoredSignerKey {
    const stored = this.#options.table.findById(organisation, signerKeyId);
    if (stored === undefined) throw new PkiError("NOT_FOUND", "no such key");
    return stored;
  }

  /** Has the token forget how to sign with what is retired. Rejects with what the hsm-gateway says; the next run goes on. */
  async disableRetired(): Promise<void> {
    const { store, table, keys, clock } = this.#options;
    for (const { signerKey, signerKeyId, organisation, key, retiredAt, disabledAt } of table.all()) {
      if (retiredAt === undefined || disabledAt !== undefined) continue;
      if (key !== undefined)
        await keys.disableKey({ requestId: `${signerKeyId}.disable`, organisation, keyId: key.keyId });
      await store.write(() => table.setDisabled(signerKey, clock.now()));
    }
  }

  #retire(stored: StoredSignerKey, context: CallContext, why: string): void {
    if (stored.retiredAt !== undefined) return;
    this.#options.table.retire(stored.signerKey, this.#options.clock.now());
    this.#record(context, "signer-key.retire", stored, { why });
  }

  #request({ organisation, signer, signerKeyId, keyAlgorithm, key }: StoredSignerKey): Promise<Uint8Array> {
    if (key === undefined) throw new Error("a request without key");
    const own = this.#options.openSigner({ organisation, ...key, algorithm: SIGNER_ALGORITHMS[keyAlgorithm] });
    const subjectAltNames = { uri: [this.#identityOf(organisation, signer)] };
    return signCertificationRequest(own, { subjectAltNames }, `${signerKeyId}.csr`);
  }

  #identityOf(organisation: string, signer: string): string {
    return `spiffe://${this.#options.trustDomain}/org/${organisation}/service/${signer}`;
  }

  #record(
    { caller, requester, requestId }: CallContext,
    action: string,
    { organisation, signer, signerKeyId }: StoredSignerKey,
    details: AuditRecord["details"],
  ): void {
    const { store, log } = this.#options;
    store.audit.add({
      ...{ action, outcome: "done", caller: caller.uri, requester: requester.uri, organisation },
      ...{ target: signerKeyId, requestId, details: { signer, ...details } },
    });
    log.info("signer key changed", { action, organisation, signer, signerKeyId });
  }
}

const isSameChain = (a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean =>
  a.length === b.length && a.every((der, index) => equalBytes(der, b[index] ?? new Uint8Array()));
