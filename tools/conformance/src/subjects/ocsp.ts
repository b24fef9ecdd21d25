import { sign } from "node:crypto";
import {
  assembleOcspResponse,
  buildCertId,
  buildResponseData,
  type CertIdHash,
  type CertStatus,
  isKeyAlgorithmId,
  issuerHashes,
  KEY_ALGORITHMS,
  ocspArchiveCutoff,
  ocspExtendedRevoke,
  ocspNonce,
  parseCertificate,
  REVOCATION_REASONS,
  type RevocationReason,
  SIGNATURE_ALGORITHMS,
  type SingleResponseFields,
  sha1KeyIdentifier,
} from "@vcc-pki/x509";
import type { OcspSpecimen } from "../specimen.ts";
import type { IssuedCertificate } from "./issue.ts";
import type { Paths } from "./paths.ts";

const SERVICES_CA = "vcc-services-ca";
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Certificates of one authority that answer and are asked about. */
export interface Cast {
  readonly paths: Paths;
  readonly responder: IssuedCertificate;
  /** With keys of other kinds. */
  readonly otherResponders: readonly IssuedCertificate[];
  readonly subject: IssuedCertificate;
  readonly other: IssuedCertificate;
  readonly at: Date;
}

export function castFrom(paths: Paths, leaves: readonly IssuedCertificate[], at: Date): Cast {
  const [responder, ...otherResponders] = leaves.filter(({ profile }) => profile === "ocsp_responder");
  const [subject, other] = leaves.filter(({ label }) => label.startsWith("mtls_service ec-"));
  if (!responder || !subject || !other) throw new Error("the certificates to answer with and about are gone");
  return { paths, responder, otherResponders, subject, other, at };
}

/** What is said of the subject, and what else. */
export interface Answer {
  readonly label: string;
  readonly by: IssuedCertificate;
  readonly hash: CertIdHash;
  readonly status: CertStatus;
  /** Statuses of certificates that were never issued. */
  readonly more?: readonly CertStatus[];
  readonly singleExtensions?: readonly Uint8Array[];
  readonly extensions?: readonly Uint8Array[];
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date;
}

const GOOD: CertStatus = { status: "good" };
const UNKNOWN: CertStatus = { status: "unknown" };

/** Answers by the responder certificates that the ca issued, in every form that the format has. */
export function buildOcspResponses(cast: Cast): OcspSpecimen[] {
  const { responder, otherResponders, at } = cast;
  const answers = [
    ...everyForm(responder, "sha1", at),
    ...everyForm(responder, "sha256", at),
    ...otherResponders.map((by): Answer => ({ label: by.label, by, hash: "sha1", status: GOOD })),
  ];
  return answers.map((answer) => specimenOf(cast, answer));
}

function everyForm(by: IssuedCertificate, hash: CertIdHash, at: Date): Answer[] {
  const form = (label: string, status: CertStatus, rest: Partial<Answer> = {}): Answer => ({
    ...{ label: `${label}, ${hash}`, by, hash, status },
    ...rest,
  });
  const revoked = (reason: RevocationReason, days: number): CertStatus => ({
    status: "revoked",
    revocationTime: new Date(at.getTime() - days * DAY_MS),
    reason,
  });
  const reasons = (Object.keys(REVOCATION_REASONS) as RevocationReason[]).filter((name) => name !== "removeFromCRL");
  const since1970: CertStatus = { status: "revoked", revocationTime: new Date(0), reason: "certificateHold" };
  return [
    form("good", GOOD),
    form("unknown", UNKNOWN),
    ...reasons.map((reason) => form(`revoked for ${reason}`, revoked(reason, 1))),
    form("several", GOOD, { more: [revoked("superseded", 2), UNKNOWN] }),
    form("nonce of 1 octet", GOOD, { extensions: [ocspNonce(Uint8Array.of(1))] }),
    form("nonce of 128 octets", GOOD, { extensions: [ocspNonce(new Uint8Array(128).fill(0xa5))] }),
    form("archive cutoff", GOOD, { singleExtensions: [ocspArchiveCutoff(new Date(at.getTime() - 365 * DAY_MS))] }),
    form("never issued", since1970, { extensions: [ocspExtendedRevoke()] }), // RFC 6960 section 2.2
  ];
}

export function specimenOf(cast: Cast, answer: Answer): OcspSpecimen {
  const { paths, subject } = cast;
  const { label, hash, by } = answer;
  const statements = [
    { serial: parseCertificate(subject.certificateDer).serial, status: answer.status },
    ...(answer.more ?? []).map((status, index) => ({ serial: Uint8Array.of(0x11, index), status })),
  ];
  const { certificate: issuer } = paths.authority(SERVICES_CA);
  const hashes = issuerHashes(issuer)[hash];
  const { thisUpdate = new Date(cast.at.getTime() - MINUTE_MS) } = answer;
  const { nextUpdate = new Date(cast.at.getTime() + DAY_MS) } = answer;
  const responses = statements.map(({ serial, status }, index): SingleResponseFields => {
    const extensions = index === 0 ? answer.singleExtensions : undefined;
    return { ...status, certIdDer: buildCertId(hashes, serial), thisUpdate, nextUpdate, extensions };
  });
  const der = signedBy(by, responses, answer.extensions);
  return paths.files.ocsp({
    label,
    object: paths.files.object(label, "ocsp", der),
    subject: paths.files.object(`${label} subject`, "certificate", subject.certificateDer),
    hash,
    asked: statements.map(({ serial, status: { status } }) => ({ serial, status })),
    ...trustIn(paths, SERVICES_CA),
    algorithms: [parseCertificate(by.certificateDer), issuer].map(({ keyAlgorithm }) => keyAlgorithm),
  });
}

export function trustIn(paths: Paths, authorityId: string): Pick<OcspSpecimen, "issuer" | "rootFile"> {
  const { object, certificate } = paths.authority(authorityId);
  const root = paths.issuersOf(certificate).at(-1)?.object ?? object;
  return { issuer: object, rootFile: root.pemFile };
}

function signedBy(
  { certificateDer, privateKey }: IssuedCertificate,
  responses: readonly SingleResponseFields[],
  extensions: readonly Uint8Array[] | undefined,
): Uint8Array {
  const { keyAlgorithm, spkiDer } = parseCertificate(certificateDer);
  if (!isKeyAlgorithmId(keyAlgorithm)) throw new Error(`nobody signs with ${keyAlgorithm}`);
  const { signatureAlgorithm } = KEY_ALGORITHMS[keyAlgorithm];
  const producedAt = responses[0]?.thisUpdate ?? new Date(0);
  const responseData = buildResponseData(sha1KeyIdentifier(spkiDer), { producedAt, responses, extensions });
  const signature = sign(SIGNATURE_ALGORITHMS[signatureAlgorithm].hash, responseData, privateKey);
  return assembleOcspResponse(responseData, signatureAlgorithm, signature, [certificateDer]);
}
