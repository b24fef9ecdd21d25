import { randomUUIDv7 } from "node:crypto";
import { ERRORS, toPkiError } from "@vcc-pki/errors";
import type { CertificateServiceDefinition } from "@vcc-pki/proto/ca";
import type { KeyServiceDefinition } from "@vcc-pki/proto/hsm";
import type { Remote } from "@vcc-pki/rpc";
import type { SuiteTrust } from "@vcc-pki/service";
import { type Signer, signCertificationRequest } from "@vcc-pki/signer";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { type Certificate, parseCertificate } from "@vcc-pki/x509";
import { requireSignerCertificate } from "./signer-certificate.ts";
import { SIGNER_ALGORITHMS, signerKeyPolicy } from "./signer-key.ts";
import type { OpenSigner } from "./signers.ts";
import type { ListKeyTable, StoredListKey } from "./store/list-keys.ts";

export interface ListSignerOptions {
  readonly store: Store;
  readonly table: ListKeyTable;
  readonly keys: Remote<typeof KeyServiceDefinition>;
  readonly ca: Pick<Remote<typeof CertificateServiceDefinition>, "issue">;
  readonly openSigner: OpenSigner;
  readonly trust: SuiteTrust;
  /** Whose key it is: the organisation that runs the suite. */
  readonly organisation: string;
  /** The service's own SPIFFE URI. */
  readonly self: string;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface ListKey {
  readonly certificate: Certificate;
  readonly chain: readonly Certificate[];
  readonly signer: Signer;
}

const KEY_ALGORITHM = "ec-p256";
const PROFILE = "recall_list";
/** How long before its end a certificate is replaced, with its key. */
const RENEW_BEFORE_MS = 10 * 86_400_000;

/** The service's own key for recall lists. Its certificate names the service, which the ca certifies for nobody else; it is none that signs
 *  artefacts for anybody who trusts by identity. */
export class ListSigner {
  readonly #options: ListSignerOptions;

  constructor(options: ListSignerOptions) {
    this.#options = options;
  }

  /** The key that signs now; undefined: there is none with a certificate that is valid. */
  find(): ListKey | undefined {
    const stored = this.#options.table.findCertified();
    if (stored?.key === undefined) return undefined;
    const [certificate, ...chain] = stored.chainDer.map(parseCertificate);
    const now = this.#options.clock.now();
    if (certificate === undefined || now < certificate.notBefore || now > certificate.notAfter) return undefined;
    return { certificate, chain, signer: this.#open(stored.key) };
  }

  /** Sees to it that there is one. Each step stands on record before it is taken. Rejects with what peers say; the next run goes on. */
  async run(): Promise<void> {
    const { store, table, keys, organisation } = this.#options;
    const newest = table.findNewest();
    if (newest !== undefined && newest.chainDer.length > 0 && !this.#isDue(newest)) return;
    // 1 a new one is begun, unless one is
    if (newest === undefined || newest.chainDer.length > 0) await store.write(() => table.insert(randomUUIDv7()));
    const { listKey, requestId, key } = table.findNewest() as StoredListKey;
    // 2 the key
    if (key === undefined) {
      const label = "recall lists";
      const policy = signerKeyPolicy(organisation, KEY_ALGORITHM);
      const { keyId, spkiDer } = await keys.createKey({ requestId, keyAlgorithm: KEY_ALGORITHM, label, policy });
      await store.write(() => table.setKey(listKey, keyId, spkiDer));
    }
    // 3 its certificate
    await this.#certify(table.findNewest() as StoredListKey);
  }

  async #certify({ listKey, key, issuanceId }: StoredListKey): Promise<void> {
    const { store, table, ca, trust, self, clock, log } = this.#options;
    if (key === undefined) throw new Error("a certificate without key");
    const requestId = issuanceId ?? randomUUIDv7();
    if (issuanceId === undefined) await store.write(() => table.setIssuance(listKey, requestId));
    try {
      const csrDer = await signCertificationRequest(
        this.#open(key),
        { subjectAltNames: { uri: [self] } },
        `${requestId}.csr`,
      );
      const { chainDer } = await ca.issue({
        ...{ requestId, organisation: "", profile: PROFILE, csrDer, authorityId: "", validitySeconds: 0 },
      });
      const rules = { spkiDer: key.spkiDer, identity: self, anchors: trust.anchors, now: clock.now() };
      requireSignerCertificate(chainDer.map(parseCertificate), rules);
      await store.write(() => table.setChain(listKey, chainDer));
      log.info("recall lists have a signer", { listKey });
    } catch (error) {
      // A refusal is for good under this request id.
      if (!ERRORS[toPkiError(error).code].retry) await store.write(() => table.setIssuance(listKey, undefined));
      throw error;
    }
  }

  #isDue({ chainDer: [der] }: StoredListKey): boolean {
    if (der === undefined) return true;
    return this.#options.clock.now().getTime() > parseCertificate(der).notAfter.getTime() - RENEW_BEFORE_MS;
  }

  #open(key: { readonly keyId: string; readonly spkiDer: Uint8Array }): Signer {
    const { openSigner, organisation } = this.#options;
    return openSigner({ organisation, ...key, algorithm: SIGNER_ALGORITHMS[KEY_ALGORITHM] });
  }
}
