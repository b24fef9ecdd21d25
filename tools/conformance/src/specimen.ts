import type { CertIdHash, CertStatus, TimeStampReq } from "@vcc-pki/x509";

/** Something the suite emitted (or a corrupted variant of it), as files that a foreign tool can read. */
export type Specimen =
  | CertificateSpecimen
  | CrlSpecimen
  | OcspSpecimen
  | PairSpecimen
  | TimeStampSpecimen
  | ProgramSpecimen
  | SignatureSpecimen
  | ArtefactSpecimen
  | BundleSpecimen
  | AttestationSpecimen;

export interface ObjectFile {
  readonly der: Uint8Array;
  readonly derFile: string;
}

/** An object in both encodings a tool may want. */
export interface ObjectFiles extends ObjectFile {
  readonly pemFile: string;
}

interface SpecimenBase<O extends ObjectFile = ObjectFiles> {
  /** Names the specimen in the output and its files: "mtls_service ec-p256". */
  readonly label: string;
  /** What is judged: issuers and CRLs only help. */
  readonly object: O;
  /** Every key algorithm a judge must know to have an opinion: the subject's and the issuers'. */
  readonly algorithms: readonly string[];
}

/** A certificate to be verified up to its root, with the newest CRL of every issuer that has one. */
export interface CertificateSpecimen extends SpecimenBase {
  readonly kind: "certificate";
  readonly isCa: boolean;
  readonly profile?: string;
  /** Nearest issuer first, root last; for a root, itself. */
  readonly issuers: readonly ObjectFiles[];
  readonly crls: readonly ObjectFiles[];
  /** Delta lists to those. */
  readonly deltas: readonly ObjectFiles[];
  /** The object and its intermediates in one PEM file, and the root in another. */
  readonly chainFile: string;
  readonly rootFile: string;
  readonly intermediatesFile: string;
  readonly crlsFile: string;
  readonly deltasFile: string;
}

export interface CrlSpecimen extends SpecimenBase {
  readonly kind: "crl";
  readonly issuer: ObjectFiles;
}

/** An OCSP response to a question about certificates of one issuer. */
export interface OcspSpecimen extends SpecimenBase {
  readonly kind: "ocsp";
  readonly issuer: ObjectFiles;
  readonly rootFile: string;
  /** The certificate that is asked about first; undefined when nobody issued one with this number. */
  readonly subject: ObjectFiles | undefined;
  /** By which the question names the issuer. */
  readonly hash: CertIdHash;
  /** Content octets of the serial numbers, and the status that the response gives. */
  readonly asked: readonly { readonly serial: Uint8Array; readonly status: CertStatus["status"] }[];
}

/** An issuer and its subject, which must fit together. */
export interface PairSpecimen extends SpecimenBase {
  readonly kind: "pair";
  readonly issuer: ObjectFiles;
}

/** A time-stamp token, and the question it answers. */
export interface TimeStampSpecimen extends SpecimenBase {
  readonly kind: "time-stamp";
  /** TimeStampResp with the token in it, and the TimeStampReq; both DER. */
  readonly responseFile: string;
  readonly requestFile: string;
  /** What was stamped. */
  readonly dataFile: string;
  readonly question: TimeStampReq;
  readonly root: ObjectFiles;
  /** The unit's certificate and those above it but for the root, which a token need not carry. */
  readonly certificates: readonly ObjectFiles[];
  readonly certificatesFile: string;
  /** What genTime says, or should say. */
  readonly at: Date;
}

/** A signed program for Windows (a PE file, as the object's octets) with a time stamp over its signature. */
export interface ProgramSpecimen extends SpecimenBase<ObjectFile> {
  readonly kind: "program";
  /** The certificate of whoever signed it, which stands for itself. */
  readonly publisher: ObjectFiles;
  /** Of the time stamp; and the lists of its authorities. */
  readonly root: ObjectFiles;
  readonly crls: readonly ObjectFiles[];
  readonly crlsFile: string;
}

/** A detached CMS signature with a time stamp in it (CAdES-B-T). */
export interface SignatureSpecimen extends SpecimenBase {
  readonly kind: "signature";
  /** What was signed, or what is said to have been. */
  readonly content: ObjectFile;
  readonly root: ObjectFiles;
  readonly timeStampRoot: ObjectFiles;
  /** When, by the time stamp. */
  readonly at: Date;
}

/** A directory, its manifest SHA256SUMS as content, and the signature over that. */
export interface ArtefactSpecimen extends Omit<SignatureSpecimen, "kind"> {
  readonly kind: "artefact";
  readonly directory: string;
  /** Who issued to its signer. */
  readonly issuer: ObjectFiles;
}

/** A directory, and as the object, in JSON, the bundle that vouches for it. */
export interface BundleSpecimen extends SpecimenBase<ObjectFile> {
  readonly kind: "bundle";
  readonly directory: string;
  /** Files are hashed in pieces of so many octets; absent: whole. */
  readonly shardOctets?: number;
  readonly signer: ObjectFiles;
  /** Who issued to the signer, and above that the root. */
  readonly issuer: ObjectFiles;
  readonly root: ObjectFiles;
  readonly timeStampRoot: ObjectFiles;
}

/** A directory, and as the object, in JSON, the bundle that vouches for it. */
export interface BundleSpecimen extends SpecimenBase<ObjectFile> {
  readonly kind: "bundle";
  readonly directory: string;
  readonly signer: ObjectFiles;
  /** Who issued to the signer, and above that the root. */
  readonly issuer: ObjectFiles;
  readonly root: ObjectFiles;
  readonly timeStampRoot: ObjectFiles;
}

/** A directory with one distribution, and as the object, in JSON, the attestation object of PEP 740 that vouches for it. */
export interface AttestationSpecimen extends Omit<BundleSpecimen, "kind" | "signer" | "shardOctets"> {
  readonly kind: "attestation";
  readonly distributionFile: string;
}
