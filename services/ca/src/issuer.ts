import { PkiError } from "@vcc-pki/errors";
import type { Signer } from "@vcc-pki/signer";
import {
  assembleSigned,
  type Certificate,
  completeCertificate,
  completeCertificateList,
  equalBytes,
  isSignedByInBackground,
  parseAndLint,
  parseAndLintList,
  type Signed,
  type TbsCertificate,
  type TbsCertList,
} from "@vcc-pki/x509";
import type { IssuerFacts } from "./profile.ts";

type Kind = "certificate" | "certificate list";

/** The right to have these bytes signed, once. There is no other way to get one than to pass the lints. */
export class LintedTbs<K extends Kind = Kind> {
  readonly kind: K;
  /** What they say. */
  readonly parsed: K extends "certificate" ? TbsCertificate : TbsCertList;
  #der: Uint8Array | undefined;

  private constructor(kind: K, der: Uint8Array, parsed: LintedTbs<K>["parsed"]) {
    this.kind = kind;
    this.#der = der;
    this.parsed = parsed;
  }

  /** `issuer` is undefined for a root's own certificate. Throws LINT_FAILED. */
  static certificate(tbsDer: Uint8Array, issuer: Certificate | undefined): LintedTbs<"certificate"> {
    return new LintedTbs("certificate", tbsDer, requireClean(parseAndLint(tbsDer, issuer)));
  }

  /** Throws LINT_FAILED. */
  static certificateList(tbsDer: Uint8Array, issuer: Certificate): LintedTbs<"certificate list"> {
    return new LintedTbs("certificate list", tbsDer, requireClean(parseAndLintList(tbsDer, issuer)));
  }

  redeem(): Uint8Array {
    const der = this.#der;
    if (der === undefined) throw new Error("this TBS was signed before");
    this.#der = undefined;
    return der;
  }
}

interface Linted<T> {
  readonly findings: readonly { readonly rule: string; readonly message: string }[];
  readonly tbs: T | undefined;
}

function requireClean<T>({ findings, tbs }: Linted<T>): T {
  const [first] = findings;
  if (first === undefined && tbs !== undefined) return tbs;
  if (first === undefined) throw new Error("clean without having been parsed");
  const rules = findings.map(({ rule }) => rule).join(", ");
  throw new PkiError("LINT_FAILED", `what would be signed breaks ${rules}: ${first.message}`, { details: { rules } });
}

/** Signs with an authority's key and believes the outcome only after verifying it: the signature is by this key, and over the
 *  bytes that were handed in. `requestId` names the signature at the hsm-gateway, where a repeat yields the same one.
 *  Throws what the signer throws, and SIGNATURE_INVALID when the outcome does not verify. */
export async function signCertificate(
  signer: Signer,
  tbs: LintedTbs<"certificate">,
  requestId: string,
  requester: string,
): Promise<Certificate> {
  const tbsDer = tbs.redeem();
  const signature = await signer.sign({ $case: "tbsCertificate", value: tbsDer }, requestId, { requester });
  const certificate = completeCertificate(tbs.parsed, assembleSigned(tbsDer, signer.algorithm, signature));
  await requireOwnSignature(certificate, tbsDer, signer);
  return certificate;
}

/** The same for a certificate revocation list. Returns its DER. */
export async function signCertificateList(
  signer: Signer,
  tbs: LintedTbs<"certificate list">,
  requestId: string,
): Promise<Uint8Array> {
  const tbsDer = tbs.redeem();
  const signature = await signer.sign({ $case: "tbsCertList", value: tbsDer }, requestId);
  const der = assembleSigned(tbsDer, signer.algorithm, signature);
  await requireOwnSignature(completeCertificateList(tbs.parsed, der), tbsDer, signer);
  return der;
}

async function requireOwnSignature(signed: Signed, tbsDer: Uint8Array, signer: Signer): Promise<void> {
  if (!equalBytes(signed.tbsDer, tbsDer) || !(await isSignedByInBackground(signed, signer.spkiDer))) {
    throw new PkiError("SIGNATURE_INVALID", "the signature that came back does not verify");
  }
}

/** An authority that can sign: its certificate, its key, and what certificates below it need to know of it. */
export interface Issuer {
  readonly authorityId: string;
  readonly organisation: string;
  readonly certificate: Certificate;
  readonly signer: Signer;
  readonly facts: IssuerFacts;
  /** This certificate first, then the ones above it, without the root. */
  readonly chainDer: readonly Uint8Array[];
}
