import { hash } from "node:crypto";
import type { SignatureAlgorithmId } from "../algorithms.ts";
import type { Certificate } from "../certificate.ts";
import { SignedDataTemplate } from "../cms/signed-data-template.ts";
import { constructedContext, primitiveContext, TAG } from "../der/tags.ts";
import { DerWriter, encode } from "../der/writer.ts";
import type { HashAlgorithm } from "../hash-algorithms.ts";
import { OID } from "../oids.ts";
import { type MessageImprint, writeMessageImprint } from "./message-imprint.ts";
import { type Accuracy, MAX_SERIAL_OCTETS } from "./tst-info.ts";

export interface TokenTemplateFields {
  /** The time-stamping unit's, as `findUnitFault` wants it; this is not asked here. */
  readonly certificate: Certificate;
  /** Certificates above it that go along when certificates are asked for. */
  readonly chain?: readonly Certificate[];
  readonly signatureAlgorithm: SignatureAlgorithmId;
  /** Dotted. A unit with several policies has a template for each. */
  readonly policy: string;
  /** Largest deviation of genTime from UTC. Absent: not said, here that is. */
  readonly accuracy?: Accuracy;
  /** Whether genTime alone puts any two tokens of this TSA in order; default false. */
  readonly ordering?: boolean;
  /** Digits of genTime's fraction of a second: 0 (default) to 3. No finer than the accuracy deserves. */
  readonly fractionDigits?: 0 | 1 | 2 | 3;
  /** Whether the certificate's subject is repeated in the field tsa; default false. */
  readonly withTsaName?: boolean;
  /** Whether the attribute CMSAlgorithmProtection is signed as well; default true. */
  readonly algorithmProtection?: boolean;
}

export interface TstInfoFields {
  readonly messageImprint: Pick<MessageImprint, "hashAlgorithmDer" | "digest">;
  /** Content octets of a positive INTEGER in its shortest form, at most 21 (160 bits). Never used before. */
  readonly serial: Uint8Array;
  readonly genTime: Date;
  /** As the request has it. */
  readonly nonce?: Uint8Array | undefined;
}

export interface TokenFields {
  readonly tstInfoDer: Uint8Array;
  /** As `signedAttributes` returned it. */
  readonly signedAttributesDer: Uint8Array;
  /** Over the signed attributes; ECDSA's as DER. */
  readonly signature: Uint8Array;
  /** The request's. */
  readonly certReq: boolean;
}

/**
 * All that is the same in every token of one time-stamping unit under one policy, encoded once. A token is made in four steps: `tstInfo`,
 * `signedAttributes` over it, a signature over these octets, and `token` around all of it.
 */
export class TokenTemplate {
  readonly #signedData: SignedDataTemplate;
  /** version and policy */
  readonly #head: Uint8Array;
  /** accuracy and ordering */
  readonly #middle: Uint8Array;
  /** tsa */
  readonly #tail: Uint8Array;
  readonly #fractionDigits: number;

  /** Throws ALGORITHM_NOT_ALLOWED when the algorithm does not go with the certificate's key, and a RangeError for an accuracy that is none. */
  constructor(fields: TokenTemplateFields) {
    const { policy, accuracy, ordering = false, fractionDigits = 0, withTsaName = false, ...signer } = fields;
    this.#signedData = new SignedDataTemplate({ contentType: OID.tstInfo, ...signer });
    this.#head = encode((writer) => {
      writer.oid(policy);
      writer.integer(1);
    });
    this.#middle = encode((writer) => {
      if (ordering) writer.boolean(true);
      if (accuracy !== undefined) writeAccuracy(writer, accuracy);
    });
    this.#tail = withTsaName ? tsaField(signer.certificate) : new Uint8Array();
    this.#fractionDigits = fractionDigits;
  }

  /** Hash of the TSTInfo and of its signed attributes. */
  get digestAlgorithm(): HashAlgorithm {
    return this.#signedData.digestAlgorithm;
  }

  /**
   * DER of the TSTInfo ::= SEQUENCE { version INTEGER { v1(1) }, policy TSAPolicyId, messageImprint, serialNumber INTEGER,
   *   genTime GeneralizedTime, accuracy Accuracy OPTIONAL, ordering BOOLEAN DEFAULT FALSE, nonce INTEGER OPTIONAL,
   *   tsa [0] EXPLICIT GeneralName OPTIONAL, extensions [1] IMPLICIT Extensions OPTIONAL } (RFC 3161 section 2.4.2)
   */
  tstInfo({ messageImprint, serial, genTime, nonce }: TstInfoFields): Uint8Array {
    requirePositive(serial);
    const writer = new DerWriter(320);
    writer.raw(this.#tail);
    if (nonce !== undefined) writer.primitive(TAG.INTEGER, nonce);
    writer.raw(this.#middle);
    writer.fractionalTime(genTime, this.#fractionDigits);
    writer.primitive(TAG.INTEGER, serial);
    writeMessageImprint(writer, messageImprint);
    writer.raw(this.#head);
    writer.wrap(TAG.SEQUENCE, 0);
    return writer.take();
  }

  /** DER of the attributes to be signed, see `SignedDataTemplate`. signingTime says nothing that genTime does not say better; some want it. */
  signedAttributes(tstInfoDer: Uint8Array, signingTime?: Date): Uint8Array {
    return this.#signedData.signedAttributes(hash(this.digestAlgorithm, tstInfoDer, "buffer"), signingTime);
  }

  /** DER of the token: a ContentInfo with SignedData. Certificates are in it only when they were asked for. */
  token({ tstInfoDer, signedAttributesDer, signature, certReq }: TokenFields): Buffer {
    return this.#signedData.signedData({
      content: tstInfoDer,
      signedAttributesDer,
      signature,
      withCertificates: certReq,
    });
  }
}

/** Accuracy ::= SEQUENCE { seconds INTEGER OPTIONAL, millis [0] INTEGER (1..999) OPTIONAL, micros [1] INTEGER (1..999) OPTIONAL } */
function writeAccuracy(writer: DerWriter, { seconds = 0, millis = 0, micros = 0 }: Accuracy): void {
  const isPart = (value: number, limit: number) => Number.isInteger(value) && value >= 0 && value <= limit;
  if (!isPart(seconds, 86_400) || !isPart(millis, 999) || !isPart(micros, 999) || seconds + millis + micros === 0) {
    throw new RangeError("no such accuracy");
  }
  const end = writer.mark();
  if (micros > 0) writer.integer(micros, primitiveContext(1));
  if (millis > 0) writer.integer(millis, primitiveContext(0));
  if (seconds > 0) writer.integer(seconds);
  writer.wrap(TAG.SEQUENCE, end);
}

/** tsa [0] EXPLICIT GeneralName, of the form directoryName. */
function tsaField({ subject }: Certificate): Uint8Array {
  return encode((writer) => {
    writer.primitive(constructedContext(4), subject.der);
    writer.wrap(constructedContext(0), 0);
  });
}

function requirePositive(serial: Uint8Array): void {
  const [first = 0x80, second = 0] = serial;
  const isShortest = first > 0 || second >= 0x80;
  if (first >= 0x80 || !isShortest || serial.length > MAX_SERIAL_OCTETS) throw new RangeError("no such serial number");
}
