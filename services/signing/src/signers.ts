import type { DenyList } from "@vcc-pki/rpc";
import type { Signer } from "@vcc-pki/signer";
import { type Certificate, OID, parseCertificate, SignedDataTemplate, toHex } from "@vcc-pki/x509";
import { SIGNER_ALGORITHMS, type SignerAlgorithm } from "./signer-key.ts";
import type { SignerKeyTable, StoredSignerKey } from "./store/signer-keys.ts";

/** A key with its certificate. */
export interface CertifiedKey {
  readonly stored: StoredSignerKey;
  readonly certificate: Certificate;
  readonly chain: readonly Certificate[];
  readonly signer: Signer;
  /** Detached signatures over id-data. */
  readonly template: SignedDataTemplate;
}

export type OpenSigner = (key: {
  readonly organisation: string;
  readonly keyId: string;
  readonly spkiDer: Uint8Array;
  readonly algorithm: SignerAlgorithm;
}) => Signer;

export interface SignersOptions {
  readonly table: SignerKeyTable;
  readonly openSigner: OpenSigner;
  readonly denyList: DenyList;
}

/** The keys that sign, or have signed, with what is made of them once. */
export class Signers {
  readonly #options: SignersOptions;
  /** By row. A certificate is installed once and stays. */
  readonly #certified = new Map<number, CertifiedKey>();
  /** Row of the key that signs, by organisation and signer. */
  #current = new Map<string, number>();

  constructor(options: SignersOptions) {
    this.#options = options;
    this.reload();
  }

  /** Reads the database again, after a key or certificate has come or gone. */
  reload(): void {
    const signing = this.#options.table.all().filter(({ retiredAt, chainDer }) => !retiredAt && chainDer.length > 0);
    this.#current = new Map(
      signing.map(({ signerKey, organisation, signer }) => [`${organisation} ${signer}`, signerKey]),
    );
  }

  /** The key a signer signs with at that moment, or why there is none; undefined: there is no such signer. */
  keyFor(organisation: string, signer: string, at: Date): CertifiedKey | string | undefined {
    const signerKey = this.#current.get(`${organisation} ${signer}`);
    if (signerKey === undefined) return undefined;
    const key = this.certified(signerKey);
    return this.whyUnusable(key, at) ?? key;
  }

  /** Why a key does not sign at that moment; undefined: it does. */
  whyUnusable({ stored, certificate }: CertifiedKey, at: Date): string | undefined {
    if (this.#current.get(`${stored.organisation} ${stored.signer}`) !== stored.signerKey) return "its key is replaced";
    if (at < certificate.notBefore) return "its certificate is not valid yet";
    if (at > certificate.notAfter) return "its certificate has expired";
    return this.#isRevoked(certificate) ? "its certificate is revoked" : undefined;
  }

  /** A key that has a certificate, whether it still signs or not. */
  certified(signerKey: number): CertifiedKey {
    let known = this.#certified.get(signerKey);
    if (known === undefined) {
      known = this.#read(this.#options.table.get(signerKey));
      this.#certified.set(signerKey, known);
    }
    return known;
  }

  #isRevoked({ serialHex, authorityKeyIdentifier = new Uint8Array() }: Certificate): boolean {
    return this.#options.denyList.isDenied(serialHex, toHex(authorityKeyIdentifier));
  }

  #read(stored: StoredSignerKey): CertifiedKey {
    const { organisation, keyAlgorithm, key } = stored;
    const [certificate, ...chain] = stored.chainDer.map(parseCertificate);
    if (key === undefined || certificate === undefined) throw new Error("a key without certificate");
    const algorithm = SIGNER_ALGORITHMS[keyAlgorithm];
    return {
      ...{ stored, certificate, chain },
      signer: this.#options.openSigner({ organisation, ...key, algorithm }),
      template: new SignedDataTemplate({
        ...{ contentType: OID.data, certificate, chain, signatureAlgorithm: algorithm },
      }),
    };
  }
}
