import { randomUUIDv7 } from "node:crypto";
import { ERRORS, PkiError, toPkiError } from "@vcc-pki/errors";
import type { CertificateServiceDefinition, ProfileServiceDefinition } from "@vcc-pki/proto/ca";
import type { KeyServiceDefinition } from "@vcc-pki/proto/hsm";
import type { Remote } from "@vcc-pki/rpc";
import { signCertificationRequest } from "@vcc-pki/signer";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { type Certificate, equalBytes, isSignedBy, OID, parseCertificate } from "@vcc-pki/x509";
import type { Issuer, Issuers } from "./issuers.ts";
import { RESPONDER_ALGORITHM, RESPONDER_KEY_ALGORITHM, responderKeyPolicy } from "./responder-key.ts";
import type { OpenSigner, Responders } from "./responders.ts";
import type { ResponderTable, StoredResponder } from "./store/responders.ts";

export interface EnrolmentOptions {
  readonly store: Store;
  readonly table: ResponderTable;
  readonly responders: Responders;
  readonly issuers: Issuers;
  readonly keys: Remote<typeof KeyServiceDefinition>;
  readonly ca: Remote<typeof CertificateServiceDefinition>;
  readonly profiles: Remote<typeof ProfileServiceDefinition>;
  readonly openSigner: OpenSigner;
  readonly profile: string;
  readonly keyLifeMs: number;
  /** How long what a key has signed may still be served. */
  readonly answerLifeMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

type Key = NonNullable<StoredResponder["key"]>;

/** Sees to it that every authority has a responder: a key in the hsm-gateway and a certificate by that very authority, renewed in time.
 *  Each step has a request id that is stored before it is taken, so that a crash leads to a repeat and not to a second key. */
export class Enrolment {
  readonly #options: EnrolmentOptions;
  /** Codes of the last failures, so that one is logged once. */
  readonly #failures = new Map<string, string>();

  constructor(options: EnrolmentOptions) {
    this.#options = options;
  }

  /** Does for each authority what is due. Never rejects; what failed is tried again the next time. */
  async run(): Promise<void> {
    for (const issuer of this.#options.issuers.all()) {
      if (!issuer.issuesResponders || issuer.state !== "active") continue;
      try {
        await this.#enrol(issuer);
        this.#failures.delete(issuer.authorityId);
      } catch (error) {
        this.#report(issuer.authorityId, toPkiError(error));
      }
    }
    for (const retired of this.#options.table.all().filter((stored) => this.#hasServed(stored))) {
      await this.#destroyKey(retired).catch((error) => this.#report("retired", toPkiError(error)));
    }
  }

  /** Gives up a responder whose key does not sign any more; the next run makes another. */
  async retire(responder: number): Promise<void> {
    const { store, table, responders, clock, log } = this.#options;
    if (table.all().some((stored) => stored.responder === responder && stored.retiredAt !== undefined)) return;
    await store.write(() => table.retire(responder, clock.now()));
    log.error("responder given up: its key does not sign", { responder });
    responders.reload();
  }

  /** Retired for so long that nothing it has signed is served any more. */
  #hasServed({ retiredAt, isDestroyed }: StoredResponder): boolean {
    const { clock, answerLifeMs } = this.#options;
    return retiredAt !== undefined && !isDestroyed && retiredAt.getTime() + answerLifeMs < clock.now().getTime();
  }

  async #destroyKey({ responder, organisation, requestId, key }: StoredResponder): Promise<void> {
    const { keys, store, table, clock, log } = this.#options;
    const request = { requestId: `${requestId}.destroy`, organisation, keyId: key?.keyId ?? "" };
    if (key !== undefined) await keys.destroyKey(request);
    await store.write(() => table.setDestroyed(responder, clock.now()));
    log.info("responder key destroyed", { responder, keyId: key?.keyId });
  }

  async #enrol(issuer: Issuer): Promise<void> {
    const { table, responders, clock, keyLifeMs } = this.#options;
    const own = table.all().filter((stored) => stored.issuer === issuer.issuer && stored.retiredAt === undefined);
    const newest = own.at(-1) ?? (await this.#begin(issuer));
    const isDue = newest.issued === undefined || newest.issued.renewAt <= clock.now();
    if (!isDue) return;
    // 1 a key, a new one when the old has served long enough
    const isOld = newest.issued !== undefined && clock.now().getTime() - newest.createdAt.getTime() > keyLifeMs;
    const stored = isOld ? await this.#begin(issuer) : newest;
    const key = stored.key ?? (await this.#createKey(stored, issuer));
    // 2 a certificate for it
    await this.#certify(stored, key, issuer);
    // 3 it answers from now on; the one before stays for the answers it has signed
    await this.#replace(own.filter(({ responder }) => responder !== stored.responder));
    responders.announce(issuer.issuer);
  }

  async #begin(issuer: Issuer): Promise<StoredResponder> {
    const { store, table, clock } = this.#options;
    const requestId = randomUUIDv7();
    await store.write(() => table.insert(issuer.issuer, issuer.organisation, requestId, clock.now()));
    return this.#get(requestId);
  }

  async #createKey({ responder, requestId, organisation }: StoredResponder, issuer: Issuer): Promise<Key> {
    const { keys, store, table, log } = this.#options;
    const { keyId, spkiDer } = await keys.createKey({
      requestId,
      label: `OCSP responder of ${issuer.authorityId}`.slice(0, 64),
      keyAlgorithm: RESPONDER_KEY_ALGORITHM,
      policy: responderKeyPolicy(organisation),
    });
    await store.write(() => table.setKey(responder, keyId, spkiDer));
    log.info("responder key made", { authorityId: issuer.authorityId, keyId });
    return { keyId, spkiDer };
  }

  async #certify(stored: StoredResponder, key: Key, issuer: Issuer): Promise<void> {
    const { store, table, ca, profiles, profile, log } = this.#options;
    const renewalId = stored.renewalId ?? randomUUIDv7();
    if (stored.renewalId === undefined) await store.write(() => table.setRenewal(stored.responder, renewalId));
    try {
      const { renewalThresholdSeconds } = await profiles.get({ profile });
      const csrDer = await this.#request(stored, key, renewalId);
      const { certificate } = await ca.issue({
        ...{ requestId: renewalId, organisation: "", profile, csrDer, authorityId: issuer.authorityId },
        validitySeconds: 0,
      });
      const issued = parseCertificate(certificate?.certificateDer ?? new Uint8Array());
      requireResponder(issued, key, issuer);
      const { der: certificateDer, notAfter } = issued;
      const renewAt = new Date(notAfter.getTime() - renewalThresholdSeconds * 1_000);
      await store.write(() => table.setIssued(stored.responder, { certificateDer, renewAt, notAfter }));
      log.info("responder certified", { authorityId: issuer.authorityId, serialHex: issued.serialHex, notAfter });
    } catch (error) {
      // A refusal is for good under this request id.
      if (!ERRORS[toPkiError(error).code].retry) await store.write(() => table.setRenewal(stored.responder, undefined));
      throw error;
    }
  }

  /** Without names: the ca names responders itself. */
  #request({ organisation }: StoredResponder, key: Key, renewalId: string): Promise<Uint8Array> {
    const { openSigner } = this.#options;
    const signer = openSigner({ organisation, ...key, algorithm: RESPONDER_ALGORITHM });
    return signCertificationRequest(signer, {}, `${renewalId}.csr`);
  }

  async #replace(before: readonly StoredResponder[]): Promise<void> {
    const { store, table, clock } = this.#options;
    if (before.length === 0) return;
    await store.write(() => {
      for (const { responder } of before) table.retire(responder, clock.now());
    });
  }

  #get(requestId: string): StoredResponder {
    const stored = this.#options.table.all().find((each) => each.requestId === requestId);
    if (stored === undefined) throw new Error("a responder is gone");
    return stored;
  }

  #report(authorityId: string, error: PkiError): void {
    if (this.#failures.get(authorityId) === error.code) return;
    this.#failures.set(authorityId, error.code);
    this.#options.log.warn("responder not enrolled", { authorityId, error });
  }
}

/** A certificate that relying parties will believe (RFC 6960 section 4.2.2.2). */
function requireResponder(certificate: Certificate, key: Key, issuer: Issuer): void {
  const usages = certificate.extendedKeyUsages ?? [];
  const isDelegated =
    equalBytes(certificate.spkiDer, key.spkiDer) &&
    usages.includes(OID.ocspSigning) &&
    isSignedBy(certificate, issuer.spkiDer);
  if (!isDelegated) throw new PkiError("SIGNATURE_INVALID", "what was issued is not a responder's certificate");
}
