import { sign } from "node:crypto";
import {
  assembleOcspResponse,
  buildCertId,
  buildResponseData,
  type CertIdHash,
  type Certificate,
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
  sha1KeyIdentifier,
} from "@vcc-pki/x509";
import type { OcspSpecimen } from "../specimen.ts";
import type { IssuedCertificate } from "./issue.ts";
import type { Paths } from "./paths.ts";

export const SERVICES_CA = "vcc-services-ca";
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const HASHES: readonly CertIdHash[] = ["sha1", "sha256"];

/** What is said about one serial number, and when. */
interface Statement {
  readonly serial: Uint8Array;
  readonly status: CertStatus;
  /** singleExtensions. */
  readonly extensions?: readonly Uint8Array[];
}

export interface Answer {
  readonly label: string;
  readonly hash: CertIdHash;
  readonly statements: readonly Statement[];
  /** responseExtensions. */
  readonly extensions?: readonly Uint8Array[];
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date;
}

export const serial = (...octets: number[]): Uint8Array => Uint8Array.of(0x11, ...octets);
export const GOOD: CertStatus = { status: "good" };
export const UNKNOWN: CertStatus = { status: "unknown" };

/** Answers by the responder certificates that the ca issued, in every form that the format has. */
export function buildOcspResponses(paths: Paths, leaves: readonly IssuedCertificate[], at: Date): OcspSpecimen[] {
  const [responder, ...others] = respondersAmong(leaves);
  if (responder === undefined) throw new Error("nobody may answer");
  return [
    ...HASHES.flatMap((hash) => everyForm(hash, at)).map((answer) => specimenOf(paths, responder, answer, at)),
    ...others.map((other) =>
      specimenOf(paths, other, { label: other.label, hash: "sha256", statements: [about(GOOD)] }, at),
    ),
  ];
}

export const respondersAmong = (leaves: readonly IssuedCertificate[]) =>
  leaves.filter(({ profile }) => profile === "ocsp_responder");

export const about = (status: CertStatus, extensions?: readonly Uint8Array[]): Statement => ({
  serial: serial(1),
  status,
  extensions,
});

function everyForm(hash: CertIdHash, at: Date): Answer[] {
  const revoked = (reason: RevocationReason, since = at.getTime() - DAY_MS): CertStatus => ({
    status: "revoked",
    revocationTime: new Date(since),
    reason,
  });
  const reasons = (Object.keys(REVOCATION_REASONS) as RevocationReason[]).filter((name) => name !== "removeFromCRL");
  const form = (label: string, statements: readonly Statement[], extensions?: readonly Uint8Array[]): Answer => ({
    label: `${label}, ${hash}`,
    hash,
    statements,
    extensions,
  });
  return [
    form("good", [about(GOOD)]),
    form("unknown", [about(UNKNOWN)]),
    ...reasons.map((reason) => form(`revoked for ${reason}`, [about(revoked(reason))])),
    form(
      "several",
      [GOOD, revoked("superseded"), UNKNOWN].map((status, i) => ({ serial: serial(i), status })),
    ),
    form("nonce of 1 octet", [about(GOOD)], [ocspNonce(serial())]),
    form("nonce of 128 octets", [about(GOOD)], [ocspNonce(new Uint8Array(128).fill(0xa5))]),
    form("archive cutoff", [about(GOOD, [ocspArchiveCutoff(new Date(at.getTime() - 365 * DAY_MS))])]),
    form("extended revoke", [about(revoked("certificateHold", 0))], [ocspExtendedRevoke()]), // RFC 6960 section 2.2
  ];
}

/** `answer`, signed by this holder of a certificate. */
export function specimenOf(paths: Paths, by: IssuedCertificate, answer: Answer, at: Date): OcspSpecimen {
  const { label, hash, statements } = answer;
  const responder = parseCertificate(by.certificateDer);
  const { certificate: issuer } = paths.authority(SERVICES_CA);
  return paths.files.ocsp({
    label,
    object: paths.files.object(label, "ocsp", sealed(by, responder, issuer, answer, at)),
    hash,
    asked: statements.map(({ serial: about, status: { status } }) => ({ serial: about, status })),
    ...trustIn(paths, SERVICES_CA),
    algorithms: [responder, issuer].map(({ keyAlgorithm }) => keyAlgorithm),
  });
}

export function trustIn(paths: Paths, authorityId: string): Pick<OcspSpecimen, "issuer" | "rootFile"> {
  const { object, certificate } = paths.authority(authorityId);
  const root = paths.issuersOf(certificate).at(-1)?.object ?? object;
  return { issuer: object, rootFile: root.pemFile };
}

function sealed(by: IssuedCertificate, responder: Certificate, issuer: Certificate, answer: Answer, at: Date) {
  const { thisUpdate = new Date(at.getTime() - MINUTE_MS), nextUpdate = new Date(at.getTime() + DAY_MS) } = answer;
  const { keyAlgorithm } = responder;
  if (!isKeyAlgorithmId(keyAlgorithm)) throw new Error(`nobody signs with ${keyAlgorithm}`);
  const { signatureAlgorithm } = KEY_ALGORITHMS[keyAlgorithm];
  const hashes = issuerHashes(issuer)[answer.hash];
  const responseData = buildResponseData(sha1KeyIdentifier(responder.spkiDer), {
    producedAt: thisUpdate,
    responses: answer.statements.map(({ serial: about, status, extensions }) => ({
      ...status,
      certIdDer: buildCertId(hashes, about),
      thisUpdate,
      nextUpdate,
      extensions,
    })),
    extensions: answer.extensions,
  });
  const signature = sign(SIGNATURE_ALGORITHMS[signatureAlgorithm].hash, responseData, by.privateKey);
  return assembleOcspResponse(responseData, signatureAlgorithm, signature, [responder.der]);
}
