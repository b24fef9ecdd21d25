import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import {
  defaultSignatureAlgorithm,
  isKeyAlgorithmId,
  SIGNATURE_ALGORITHMS,
  type SignatureScheme,
  signatureSchemeOf,
} from "./algorithms.ts";
import { verifyInBackground } from "./background.ts";
import { malformed, parsing } from "./der/malformed.ts";
import { DerReader } from "./der/reader.ts";
import { constructedContext, TAG } from "./der/tags.ts";
import { encode } from "./der/writer.ts";
import { type Extension, readExtensions } from "./extensions/extension.ts";
import { type KnownExtensions, parseKnownExtensions } from "./extensions/known-extensions.ts";
import { subjectAltName } from "./extensions/subject-alt-name.ts";
import { buildName, type Name, readName, requireSetOrder } from "./name.ts";
import { countNames, type GeneralNames, type GeneralNamesInput } from "./names/general-names.ts";
import { OID } from "./oids.ts";
import { importPublicKey, type Signed, verifyWithKey } from "./signature.ts";
import { assembleSigned, parseSigned } from "./signed.ts";
import { type KeyAlgorithmName, keyAlgorithmOf } from "./spki.ts";

const MAX_CSR_OCTETS = 64 * 1024;

const NO_NAMES: GeneralNames = { dns: [], ip: [], uri: [], email: [], directory: [], otherCount: 0 };

/** An Attribute of a request: `values` are the members of its SET. */
export interface CsrAttribute {
  readonly oid: string;
  readonly valuesDer: readonly Uint8Array[];
}

/** What a request asks for (RFC 2986 section 4.1). Byte fields share the input's memory. */
export class CertificationRequestInfo {
  readonly tbsDer: Uint8Array;
  readonly subject: Name;
  readonly spkiDer: Uint8Array;
  /** The kind of key; see `keyAlgorithmOf`. */
  readonly keyAlgorithm: KeyAlgorithmName;
  readonly attributes: readonly CsrAttribute[];
  /** The requested extensions (RFC 2985 section 5.4.2). */
  readonly extensions: readonly Extension[];
  readonly known: KnownExtensions;

  /** Throws DER_MALFORMED. */
  constructor(infoDer: Uint8Array) {
    this.tbsDer = infoDer;
    const reader = DerReader.over(infoDer);
    const info = reader.enter(TAG.SEQUENCE);
    reader.end();
    if (info.smallInteger() !== 0) throw malformed("no such version");
    this.subject = readName(info);
    this.spkiDer = info.element(TAG.SEQUENCE);
    this.keyAlgorithm = keyAlgorithmOf(this.spkiDer);
    this.attributes = readAttributes(info);
    info.end();
    this.extensions = requestedExtensions(this.attributes);
    this.known = parseKnownExtensions(this.extensions);
  }

  /** CertificationRequestInfo, the octets that are signed. */
  get infoDer(): Uint8Array {
    return this.tbsDer;
  }

  /** The names of the requested subjectAltName. */
  get subjectAltNames(): GeneralNames {
    return this.known.subjectAltName ?? NO_NAMES;
  }
}

/** A PKCS#10 request (RFC 2986). */
export class CertificationRequest extends CertificationRequestInfo implements Signed {
  readonly der: Uint8Array;
  readonly signature: Uint8Array;
  readonly signatureAlgorithmDer: Uint8Array;

  /** Throws DER_MALFORMED. */
  constructor(der: Uint8Array) {
    const signed = parseSigned(der, MAX_CSR_OCTETS);
    super(signed.tbsDer);
    this.der = der;
    this.signature = signed.signature;
    this.signatureAlgorithmDer = signed.signatureAlgorithmDer;
  }

  /** How it is signed: any hash we accept, since common tools sign with SHA-256 on every curve. Throws ALGORITHM_NOT_ALLOWED. */
  get signatureAlgorithm(): SignatureScheme {
    return signatureSchemeOf(this.signatureAlgorithmDer);
  }

  /** Proof of possession: true if the request is signed with the key it contains. Throws ALGORITHM_NOT_ALLOWED, KEY_NOT_ALLOWED,
   *  or KEY_WEAK for a point that is not on its curve. */
  verifySignature(): boolean {
    return verifyWithKey(importPublicKey(this.spkiDer), this.signatureAlgorithm, this.tbsDer, this.signature);
  }

  /** The same on another thread. Rejects where `verifySignature` throws. */
  async verifySignatureInBackground(): Promise<boolean> {
    const { spkiDer, signatureAlgorithm: scheme, tbsDer: data, signature } = this;
    return verifyInBackground({ spkiDer, scheme, data, signature, keepKey: false });
  }
}

/** CertificationRequest ::= SIGNED{CertificationRequestInfo}, at most 64 KiB. Throws CSR_MALFORMED. */
export const parseCertificationRequest = (der: Uint8Array): CertificationRequest =>
  parsing("CSR_MALFORMED", "certification request", () => new CertificationRequest(der));

/** CertificationRequestInfo alone: what a key is about to sign. Throws CSR_MALFORMED. */
export const parseCertificationRequestInfo = (infoDer: Uint8Array): CertificationRequestInfo =>
  parsing("CSR_MALFORMED", "certification request", () => {
    if (infoDer.length > MAX_CSR_OCTETS) throw malformed("too long");
    return new CertificationRequestInfo(infoDer);
  });

/** [0] IMPLICIT SET OF Attribute ::= SEQUENCE { type, values SET SIZE (1..MAX) OF ANY }. Present even when empty; no type twice. */
function readAttributes(info: DerReader): CsrAttribute[] {
  const elements = info.listOf(constructedContext(0), (list) => list.element(TAG.SEQUENCE), 0);
  requireSetOrder(elements);
  const attributes = elements.map((element) =>
    DerReader.whole(element, TAG.SEQUENCE, (attribute) => ({ oid: attribute.oid(), valuesDer: readValues(attribute) })),
  );
  if (new Set(attributes.map(({ oid }) => oid)).size !== attributes.length) throw malformed("attribute comes twice");
  return attributes;
}

function readValues(attribute: DerReader): Uint8Array[] {
  const values = attribute.listOf(TAG.SET, (set) => set.element());
  for (const value of values) DerReader.over(value).skipChecked();
  requireSetOrder(values);
  return values;
}

function requestedExtensions(attributes: readonly CsrAttribute[]): Extension[] {
  const request = attributes.find(({ oid }) => oid === OID.extensionRequest);
  if (request === undefined) return [];
  const [value, second] = request.valuesDer;
  if (value === undefined || second !== undefined) throw malformed("extensionRequest is single-valued");
  const reader = DerReader.over(value);
  const extensions = readExtensions(reader);
  reader.end();
  return extensions;
}

export interface CertificationRequestFields {
  /** Absent: the empty name. */
  readonly subject?: Name;
  readonly spkiDer: Uint8Array;
  readonly subjectAltNames?: GeneralNamesInput;
}

/** DER of a CertificationRequestInfo that asks for these names. Throws NAME_MALFORMED. */
export function buildCertificationRequestInfo({
  subject = buildName([]),
  spkiDer,
  subjectAltNames = {},
}: CertificationRequestFields): Uint8Array {
  return encode((writer) => {
    if (countNames(subjectAltNames) > 0) {
      writer.raw(subjectAltName(subjectAltNames, subject.rdns.length === 0));
      writer.wrap(TAG.SEQUENCE, 0);
      writer.wrap(TAG.SET, 0);
      writer.oid(OID.extensionRequest);
      writer.wrap(TAG.SEQUENCE, 0);
    }
    writer.wrap(constructedContext(0), 0);
    writer.raw(spkiDer);
    writer.raw(subject.der);
    writer.integer(0);
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

export interface OwnCertificationRequest extends Omit<CertificationRequestFields, "spkiDer"> {
  readonly privateKey: KeyObject;
}

/** A request for a key at hand, signed with it (proof of possession). Throws KEY_NOT_ALLOWED and NAME_MALFORMED. */
export function createCertificationRequest({ privateKey, ...fields }: OwnCertificationRequest): Uint8Array {
  const spkiDer = new Uint8Array(createPublicKey(privateKey).export({ type: "spki", format: "der" }));
  const keyAlgorithm = keyAlgorithmOf(spkiDer);
  if (!isKeyAlgorithmId(keyAlgorithm))
    throw new PkiError("KEY_NOT_ALLOWED", `no certificates for ${keyAlgorithm} keys`);
  const signatureAlgorithm = defaultSignatureAlgorithm(keyAlgorithm);
  const infoDer = buildCertificationRequestInfo({ ...fields, spkiDer });
  const signature = sign(SIGNATURE_ALGORITHMS[signatureAlgorithm].hash, infoDer, privateKey);
  return assembleSigned(infoDer, signatureAlgorithm, signature);
}
