import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseTimeStampReq, pemEncode, timeStampResp } from "@vcc-pki/x509";
import type {
  ArtefactSpecimen,
  AttestationSpecimen,
  BundleSpecimen,
  CertificateSpecimen,
  CrlSpecimen,
  ObjectFiles,
  OcspSpecimen,
  PairSpecimen,
  ProgramSpecimen,
  SignatureSpecimen,
  TimeStampSpecimen,
} from "./specimen.ts";

export type ObjectKind = "certificate" | "crl" | "ocsp" | "token" | "signature";
const PEM_LABEL = {
  certificate: "CERTIFICATE",
  crl: "X509 CRL",
  ocsp: "OCSP RESPONSE",
  token: "CMS",
  signature: "CMS",
} as const satisfies Record<ObjectKind, string>;

export interface SpecimenFiles {
  object(label: string, kind: ObjectKind, der: Uint8Array): ObjectFiles;
  certificate(parts: CertificateParts): CertificateSpecimen;
  crl(parts: Pick<CrlSpecimen, "label" | "object" | "issuer" | "algorithms">): CrlSpecimen;
  ocsp(parts: Omit<OcspSpecimen, "kind">): OcspSpecimen;
  pair(parts: Pick<PairSpecimen, "label" | "object" | "issuer" | "algorithms">): PairSpecimen;
  timeStamp(parts: TimeStampParts): TimeStampSpecimen;
  program(parts: ProgramParts): ProgramSpecimen;
  signature(parts: SignatureParts): SignatureSpecimen;
  artefact(parts: ArtefactParts): ArtefactSpecimen;
  bundle(parts: BundleParts): BundleSpecimen;
  attestation(parts: AttestationParts): AttestationSpecimen;
}

interface SignatureParts extends Pick<SignatureSpecimen, "label" | "root" | "timeStampRoot" | "at" | "algorithms"> {
  readonly cms: Uint8Array;
  readonly content: Uint8Array;
}

interface ArtefactParts extends Omit<SignatureParts, "content">, Pick<ArtefactSpecimen, "issuer"> {
  readonly manifest: Uint8Array;
  /** What lies in the directory, by path. */
  readonly contents: Readonly<Record<string, string>>;
}

type BundleParts = Omit<BundleSpecimen, "kind" | "object" | "directory"> & {
  readonly bundle: Uint8Array;
  /** What lies in the directory, by path. */
  readonly contents: Readonly<Record<string, string>>;
};

type AttestationParts = Pick<AttestationSpecimen, "label" | "issuer" | "root" | "timeStampRoot" | "algorithms"> & {
  readonly attestation: Uint8Array;
  /** The distribution, and what is in it. */
  readonly name: string;
  readonly content: string;
};

type ProgramParts = Omit<ProgramSpecimen, "kind" | "object" | "crlsFile"> & { readonly program: Uint8Array };

interface TimeStampParts extends Pick<TimeStampSpecimen, "label" | "root" | "certificates" | "at" | "algorithms"> {
  readonly tokenDer: Uint8Array;
  /** Absent: the token, granted. */
  readonly responseDer?: Uint8Array;
  readonly requestDer: Uint8Array;
  readonly data: Uint8Array;
}

type CertificateParts = Pick<
  CertificateSpecimen,
  "label" | "object" | "issuers" | "crls" | "algorithms" | "isCa" | "profile"
> & { readonly deltas?: readonly ObjectFiles[] };

/** Writes specimens below `directory`, each object as DER and PEM, so that a failure can be looked at and repeated by hand. */
export function openSpecimenFiles(directory: string): SpecimenFiles {
  mkdirSync(directory, { recursive: true });
  const pathOf = (label: string, suffix: string) => join(directory, `${label.replaceAll(/[^\w.-]+/g, "_")}.${suffix}`);
  const pemFile = (label: string, suffix: string, kind: ObjectKind, objects: readonly ObjectFiles[]) => {
    const file = pathOf(label, suffix);
    writeFileSync(file, objects.map(({ der }) => pemEncode(PEM_LABEL[kind], der)).join(""));
    return file;
  };
  const octets = (label: string, suffix: string, content: Uint8Array) => {
    const file = pathOf(label, suffix);
    writeFileSync(file, content);
    return file;
  };
  const tree = (label: string, contents: Readonly<Record<string, string>>) => {
    const directory = pathOf(label, "directory");
    for (const [path, text] of Object.entries(contents)) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    return directory;
  };

  return {
    object(label, kind, der) {
      const files = { der, derFile: pathOf(label, `${kind}.der`), pemFile: pathOf(label, `${kind}.pem`) };
      writeFileSync(files.derFile, der);
      writeFileSync(files.pemFile, pemEncode(PEM_LABEL[kind], der));
      return files;
    },
    certificate(parts) {
      const { label, object, issuers, crls, deltas = [] } = parts;
      const root = issuers.at(-1) ?? object;
      const intermediates = issuers.slice(0, -1);
      return {
        kind: "certificate",
        ...parts,
        deltas,
        chainFile: pemFile(label, "chain.pem", "certificate", [object, ...intermediates]),
        rootFile: pemFile(label, "root.pem", "certificate", [root]),
        intermediatesFile: pemFile(label, "intermediates.pem", "certificate", intermediates),
        crlsFile: pemFile(label, "crls.pem", "crl", crls),
        deltasFile: pemFile(label, "deltas.pem", "crl", deltas),
      };
    },
    crl: (parts) => ({ kind: "crl", ...parts }),
    ocsp: (parts) => ({ kind: "ocsp", ...parts }),
    pair: (parts) => ({ kind: "pair", ...parts }),
    timeStamp({ tokenDer, responseDer = timeStampResp.granted(tokenDer), requestDer, data, ...parts }) {
      const { label, certificates } = parts;
      return {
        ...{ kind: "time-stamp", ...parts },
        object: this.object(label, "token", tokenDer),
        responseFile: octets(label, "tsr", responseDer),
        requestFile: octets(label, "tsq", requestDer),
        dataFile: octets(label, "data", data),
        question: parseTimeStampReq(requestDer),
        certificatesFile: pemFile(label, "certificates.pem", "certificate", certificates),
      };
    },
    program: ({ program, ...parts }) => ({
      ...{ kind: "program", ...parts },
      object: { der: program, derFile: octets(parts.label, "exe", program) },
      crlsFile: pemFile(parts.label, "crls.pem", "crl", parts.crls),
    }),
    signature({ cms, content, ...parts }) {
      const file = { der: content, derFile: octets(parts.label, "content", content) };
      return { kind: "signature", ...parts, object: this.object(parts.label, "signature", cms), content: file };
    },
    artefact({ manifest: content, contents, ...parts }) {
      const directory = tree(parts.label, contents);
      return { ...this.signature({ ...parts, content }), kind: "artefact", directory, issuer: parts.issuer };
    },
    bundle: ({ bundle: der, contents, ...parts }) => ({
      ...{ kind: "bundle", ...parts },
      object: { der, derFile: octets(parts.label, "sigstore.json", der) },
      directory: tree(parts.label, contents),
    }),
    attestation({ attestation: der, name, content, ...parts }) {
      const directory = tree(parts.label, { [name]: content });
      const object = { der, derFile: octets(parts.label, "publish.attestation", der) };
      return { kind: "attestation", ...parts, object, directory, distributionFile: join(directory, name) };
    },
  };
}
