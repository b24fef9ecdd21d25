import { randomUUIDv7 } from "node:crypto";
import { ERRORS, type PkiError, toPkiError } from "@vcc-pki/errors";
import type { CertificateServiceDefinition } from "@vcc-pki/proto/ca";
import type { KeyServiceDefinition } from "@vcc-pki/proto/hsm";
import type { Remote } from "@vcc-pki/rpc";
import { signCertificationRequest } from "@vcc-pki/signer";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { parseCertificate } from "@vcc-pki/x509";
import type { TsaConfig, UnitConfig } from "./config.ts";
import type { KeyRecords } from "./key-records.ts";
import type { StoredUnitKey, UnitKeyTable } from "./store/unit-keys.ts";
import { requireUnitCertificate } from "./unit-certificate.ts";
import { unitAlgorithm, unitKeyPolicy } from "./unit-key.ts";
import type { OpenSigner, Units } from "./units.ts";

export interface EnrolmentOptions {
  readonly store: Store;
  readonly table: UnitKeyTable;
  readonly units: Units;
  readonly records: KeyRecords;
  readonly keys: Remote<typeof KeyServiceDefinition>;
  readonly ca: Remote<typeof CertificateServiceDefinition>;
  readonly openSigner: OpenSigner;
  readonly config: Pick<TsaConfig, "organisation" | "replica" | "keys">;
  /** The service's own SPIFFE URI, which certificates of units carry. */
  readonly self: string;
  readonly clock: Clock;
  readonly log: Logger;
}

type Key = NonNullable<StoredUnitKey["key"]>;

/** RFC 2986 subjectAltName of a request holds, and labels of keys in the token hold, so many characters. */
const MAX_LABEL = 64;

/** Sees to it that every unit has a key in the hsm-gateway and a certificate for it, and a new one of each before the key's usage period
 *  ends: a key has one certificate in its life. Each step has a request id that is stored before it is taken, so that a crash leads to
 *  a repeat and not to a second key. */
export class Enrolment {
  readonly #options: EnrolmentOptions;
  /** Codes of the last failures, so that one is logged once. */
  readonly #failures = new Map<string, string>();

  constructor(options: EnrolmentOptions) {
    this.#options = options;
  }

  /** Does for each unit what is due. Never rejects; what failed is tried again the next time. */
  async run(): Promise<void> {
    const { units, table } = this.#options;
    for (const unit of units.configs) await this.#attempt(unit.name, () => this.#enrol(unit));
    const isConfigured = ({ unit }: StoredUnitKey) => units.findConfig(unit) !== undefined;
    await this.#attempt("configuration", () =>
      this.#retire(
        table.all().filter((stored) => stored.retiredAt === undefined && !isConfigured(stored)),
        "its unit is gone",
      ),
    );
    for (const stored of table.all().filter((each) => this.#isSpent(each))) {
      await this.#attempt(`key ${stored.unitKey}`, () => this.#destroy(stored));
    }
  }

  /** Gives up a key that does not sign any more; the next run makes another. */
  async giveUp(unitKey: number): Promise<void> {
    const stored = this.#options.table.all().filter((each) => each.unitKey === unitKey && !each.retiredAt);
    await this.#retire(stored, "the token does not sign with it");
  }

  async #enrol(unit: UnitConfig): Promise<void> {
    const { table, units } = this.#options;
    const own = table.all().filter((stored) => stored.unit === unit.name && stored.retiredAt === undefined);
    const newest = own.at(-1);
    if (newest !== undefined && this.#serves(newest, unit) && !this.#isDue(newest)) return;
    // 1 a key, and the one before signs on until step 3
    const isBegun = newest !== undefined && newest.issued === undefined && this.#serves(newest, unit);
    const stored = isBegun ? newest : await this.#begin(unit);
    const key = stored.key ?? (await this.#createKey(stored));
    // 2 a certificate for it
    await this.#certify(stored, key);
    // 3 it signs from now on; the certificates before stay for the tokens their keys have signed
    await this.#retire(
      own.filter(({ unitKey }) => unitKey !== stored.unitKey),
      "replaced",
    );
    units.reload();
  }

  /** Whether it is the kind of key the unit is to have. */
  #serves({ keyAlgorithm, algorithm, isTest, organisation }: StoredUnitKey, unit: UnitConfig): boolean {
    return (
      keyAlgorithm === unit.keyAlgorithm &&
      algorithm === unitAlgorithm(unit) &&
      isTest === unit.test &&
      organisation === this.#options.config.organisation
    );
  }

  #isDue({ issued }: StoredUnitKey): boolean {
    if (issued === undefined) return true;
    const { config, clock, units } = this.#options;
    const [der] = issued.chainDer;
    if (der !== undefined && units.isRevoked(parseCertificate(der))) return true;
    return clock.now().getTime() > issued.signsUntil.getTime() - config.keys.rekeyBefore;
  }

  async #begin(config: UnitConfig): Promise<StoredUnitKey> {
    const { store, table, clock } = this.#options;
    const requestId = randomUUIDv7();
    const { organisation } = this.#options.config;
    const { name: unit, keyAlgorithm, test: isTest } = config;
    const algorithm = unitAlgorithm(config);
    await store.write(() =>
      table.insert({ unit, organisation, requestId, keyAlgorithm, algorithm, isTest }, clock.now()),
    );
    const stored = table.all().find((each) => each.requestId === requestId);
    if (stored === undefined) throw new Error("a unit's key is gone");
    return stored;
  }

  async #createKey({ unitKey, unit, organisation, requestId, keyAlgorithm, algorithm }: StoredUnitKey): Promise<Key> {
    const { keys, store, table, config, records } = this.#options;
    const { keyId, spkiDer } = await keys.createKey({
      ...{ requestId, keyAlgorithm },
      label: `TSU ${unit} of ${config.replica}`.slice(0, MAX_LABEL),
      policy: unitKeyPolicy(organisation, algorithm),
    });
    await store.write(() => {
      table.setKey(unitKey, keyId, spkiDer);
      records.created({ unit, organisation, keyId, keyAlgorithm });
    });
    return { keyId, spkiDer };
  }

  async #certify(stored: StoredUnitKey, key: Key): Promise<void> {
    const { store, table, ca, config, records } = this.#options;
    const { unitKey, unit, organisation, isTest } = stored;
    const issuanceId = stored.issuanceId ?? randomUUIDv7();
    if (stored.issuanceId === undefined) await store.write(() => table.setIssuance(unitKey, issuanceId));
    try {
      const csrDer = await this.#request(stored, key, issuanceId);
      const { chainDer } = await ca.issue({
        ...{ requestId: issuanceId, organisation: "", profile: config.keys.profile, csrDer },
        ...{ authorityId: "", validitySeconds: 0 },
      });
      const chain = chainDer.map(parseCertificate);
      const rules = { spkiDer: key.spkiDer, testName: config.keys.testName, isTest };
      const { signsFrom, signsUntil } = requireUnitCertificate(chain, rules);
      const serialHex = chain[0]?.serialHex ?? "";
      await store.write(() => {
        table.setIssued(unitKey, { chainDer, signsFrom, signsUntil });
        records.certified({ unit, organisation, keyId: key.keyId, serialHex, signsUntil });
      });
    } catch (error) {
      // A refusal is for good under this request id.
      if (!ERRORS[toPkiError(error).code].retry) await store.write(() => table.setIssuance(unitKey, undefined));
      throw error;
    }
  }

  #request({ organisation, algorithm, isTest }: StoredUnitKey, key: Key, issuanceId: string): Promise<Uint8Array> {
    const { openSigner, self, config } = this.#options;
    const signer = openSigner({ organisation, ...key, algorithm });
    const subjectAltNames = { uri: [self], dns: isTest ? [config.keys.testName] : [] };
    return signCertificationRequest(signer, { subjectAltNames }, `${issuanceId}.csr`);
  }

  async #retire(spent: readonly StoredUnitKey[], why: string): Promise<void> {
    const { store, table, clock, records, units } = this.#options;
    if (spent.length === 0) return;
    await store.write(() => {
      for (const { unitKey, unit, organisation, key } of spent) {
        table.retire(unitKey, clock.now());
        records.retired({ unit, organisation, keyId: key?.keyId ?? "", why });
      }
    });
    units.reload();
  }

  /** Retired for so long that nothing is being signed with it any more. */
  #isSpent({ retiredAt, destroyedAt }: StoredUnitKey): boolean {
    const { clock, config } = this.#options;
    const end = (retiredAt?.getTime() ?? Number.POSITIVE_INFINITY) + config.keys.destroyAfter;
    return destroyedAt === undefined && end <= clock.now().getTime();
  }

  async #destroy({ unitKey, unit, organisation, requestId, key }: StoredUnitKey): Promise<void> {
    const { keys, store, table, clock, records } = this.#options;
    if (key !== undefined) {
      await store.write(() => records.destroying({ unit, organisation, keyId: key.keyId }));
      await keys.destroyKey({ requestId: `${requestId}.destroy`, organisation, keyId: key.keyId });
    }
    await store.write(() => {
      table.setDestroyed(unitKey, clock.now());
      if (key !== undefined) records.destroyed({ unit, organisation, keyId: key.keyId });
    });
  }

  async #attempt(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.#failures.delete(what);
    } catch (error) {
      this.#report(what, toPkiError(error));
    }
  }

  #report(subject: string, error: PkiError): void {
    if (this.#failures.get(subject) === error.code) return;
    this.#failures.set(subject, error.code);
    this.#options.log.warn("unit not looked after", { subject, error });
  }
}
