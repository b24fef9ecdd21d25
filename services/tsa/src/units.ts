import type { DenyList } from "@vcc-pki/rpc";
import type { Signer } from "@vcc-pki/signer";
import { type Certificate, parseCertificate, TokenTemplate, toHex } from "@vcc-pki/x509";
import type { UnitConfig } from "./config.ts";
import type { CertificatesInToken } from "./store/tokens.ts";
import type { StoredUnitKey, UnitKeyTable } from "./store/unit-keys.ts";
import { requireUnitCertificate } from "./unit-certificate.ts";
import type { UnitAlgorithm } from "./unit-key.ts";

/** A key with its certificate, ready to sign for its unit. */
export interface UnitKey {
  readonly unitKey: number;
  readonly config: UnitConfig;
  readonly certificate: Certificate;
  readonly chain: readonly Certificate[];
  readonly signer: Signer;
  /** By policy. */
  readonly templates: ReadonlyMap<string, TokenTemplate>;
  readonly signsFromMs: number;
  readonly signsUntilMs: number;
}

export type OpenSigner = (key: {
  readonly organisation: string;
  readonly keyId: string;
  readonly spkiDer: Uint8Array;
  readonly algorithm: UnitAlgorithm;
}) => Signer;

export interface UnitsOptions {
  readonly units: readonly UnitConfig[];
  readonly table: UnitKeyTable;
  readonly openSigner: OpenSigner;
  readonly denyList: DenyList;
  readonly testName: string;
}

/** The configured units and the keys they sign with. */
export class Units {
  readonly #options: UnitsOptions;
  /** By unit: the key, or why there is none. */
  #keys = new Map<string, UnitKey | string>();
  /** What puts logged tokens together again, by key and the certificates in them. */
  readonly #assemblers = new Map<string, TokenTemplate>();

  constructor(options: UnitsOptions) {
    this.#options = options;
    this.reload();
  }

  get configs(): readonly UnitConfig[] {
    return this.#options.units;
  }

  findConfig(name: string): UnitConfig | undefined {
    return this.#options.units.find((unit) => unit.name === name);
  }

  /** The unit a request is for: of this name if there is one, with this policy if there is one, else the first. */
  choose(name: string, policy: string | undefined): UnitConfig | undefined {
    return this.#options.units.find(
      (unit) => (name === "" || unit.name === name) && (policy === undefined || unit.policies.includes(policy)),
    );
  }

  /** The key a unit signs with at that moment, or why there is none. */
  keyFor(unit: string, at: Date): UnitKey | string {
    const key = this.#keys.get(unit) ?? "its key is being made";
    if (typeof key === "string") return key;
    const ms = at.getTime();
    if (ms < key.signsFromMs) return "its certificate is not valid yet";
    if (ms > key.signsUntilMs) return "the usage period of its key is over";
    if (this.isRevoked(key.certificate)) return "its certificate is revoked";
    return key;
  }

  isRevoked({ serialHex, authorityKeyIdentifier = new Uint8Array() }: Certificate): boolean {
    return this.#options.denyList.isDenied(serialHex, toHex(authorityKeyIdentifier));
  }

  /** Reads the database again, after a key or certificate has come or gone. */
  reload(): void {
    const stored = this.#options.table.all().filter(({ retiredAt, issued }) => retiredAt === undefined && issued);
    this.#keys = new Map(stored.flatMap((each) => this.#read(each)));
  }

  /** A token that is logged, octet by octet as it was answered, needs the certificates of its key as they were. */
  assembler(unitKey: number, certificates: CertificatesInToken): TokenTemplate {
    const name = `${unitKey} ${certificates}`;
    const known = this.#assemblers.get(name);
    if (known !== undefined) return known;
    const stored = this.#options.table.all().find((each) => each.unitKey === unitKey);
    if (stored?.issued === undefined) throw new Error(`no certificate of key ${unitKey}`);
    const [certificate, ...issuers] = stored.issued.chainDer.map(parseCertificate);
    const template = new TokenTemplate({
      certificate: certificate as Certificate,
      chain: certificates === "chain" ? issuers : [],
      signatureAlgorithm: stored.algorithm,
      policy: "0.0", // is in the TSTInfo already
    });
    this.#assemblers.set(name, template);
    return template;
  }

  #read(stored: StoredUnitKey): [string, UnitKey | string][] {
    const config = this.findConfig(stored.unit);
    if (config === undefined || stored.key === undefined || stored.issued === undefined) return [];
    const { testName, openSigner } = this.#options;
    const { unitKey, unit, organisation, algorithm, key } = stored;
    try {
      const chain = stored.issued.chainDer.map(parseCertificate);
      const period = requireUnitCertificate(chain, {
        ...{ spkiDer: key.spkiDer, testName, isTest: config.test },
      });
      const [certificate] = chain as [Certificate];
      return [
        [
          unit,
          {
            ...{ unitKey, config, certificate, chain },
            signer: openSigner({ organisation, ...key, algorithm }),
            templates: new Map(config.policies.map((policy) => [policy, templateOf(config, chain, algorithm, policy)])),
            signsFromMs: period.signsFrom.getTime(),
            signsUntilMs: period.signsUntil.getTime(),
          },
        ],
      ];
    } catch (error) {
      return [[unit, error instanceof Error ? error.message : String(error)]];
    }
  }
}

function templateOf(
  { accuracy, ordering, fractionDigits, tsaName, certificates }: UnitConfig,
  [certificate, ...issuers]: readonly Certificate[],
  signatureAlgorithm: UnitAlgorithm,
  policy: string,
): TokenTemplate {
  return new TokenTemplate({
    ...{ certificate: certificate as Certificate, signatureAlgorithm, policy, ordering },
    chain: certificates === "chain" ? issuers : [],
    accuracy: { seconds: Math.floor(accuracy / 1_000), millis: accuracy % 1_000 },
    fractionDigits: fractionDigits as 0 | 1 | 2 | 3,
    withTsaName: tsaName,
  });
}
