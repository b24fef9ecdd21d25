import { hash } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import {
  type Certificate as CertificateMessage,
  CertificateServiceDefinition,
  CertificateState,
  IssueRequest,
  type ListCertificatesRequest,
  ReleaseCertificateRequest,
  RevokeCertificateRequest,
  StatusChangeKind as StatusChangeKindMessage,
  type StatusChange as StatusChangeMessage,
  type StreamStatusRequest,
  type StreamStatusResponse,
} from "@vcc-pki/proto/ca";
import { type Callers, implement, type ServiceImplementation } from "@vcc-pki/rpc";
import type { Clock } from "@vcc-pki/time";
import { nameToText, parseCertificate, parseCertificationRequest, serialToHex } from "@vcc-pki/x509";
import type { Actor } from "../actor.ts";
import type { Authorities } from "../authorities.ts";
import { certificateId, parseCertificateId } from "../certificate-id.ts";
import type { Issued } from "../complete.ts";
import type { Issuance } from "../issue.ts";
import type { Releases } from "../release.ts";
import type { Revocations } from "../revoke.ts";
import { parseNameSearch } from "../search.ts";
import {
  type CertificateList,
  type Cursor,
  type CertificateState as State,
  stateOf,
} from "../store/certificate-list.ts";
import type { CertificateStatus, CertificateTable } from "../store/certificates.ts";
import type { LogPosition, StatusChange, StatusChangeKind, StatusLog } from "../store/status-log.ts";
import { type StatusBatch, streamStatus } from "../stream-status.ts";
import { type Door, guarded, requestKey } from "./guard.ts";
import { REASONS, reasonFromProto } from "./revocation-reasons.ts";

export interface CertificateDoor extends Door {
  readonly issuance: Issuance;
  readonly revocations: Revocations;
  readonly releases: Releases;
  readonly certificates: CertificateTable;
  readonly list: CertificateList;
  readonly authorities: Authorities;
  readonly statusLog: StatusLog;
  readonly clock: Clock;
}

const CALLERS: Callers<typeof CertificateServiceDefinition> = {
  issue: ["any-suite", "any-workload"],
  get: ["gateway", "ceremony"],
  list: ["gateway", "ceremony"],
  revoke: ["gateway", "ceremony"],
  release: ["gateway", "ceremony"],
  getStatus: ["gateway", "ceremony"],
  streamStatus: ["ocsp"],
  streamCertificates: ["lifecycle"],
};

export function certificateService(door: CertificateDoor): ServiceImplementation {
  const { issuance, revocations, releases, authorities, clock } = door;
  const organisationOf = ({ organisation }: { organisation: string }) => organisation;
  return implement(
    CertificateServiceDefinition,
    {
      issue: guarded(door, "certificate.issue", organisationOf, async (request, actor) => {
        const issued = await issuance.issue({
          actor,
          request: requestKey(actor, "Issue", IssueRequest, request),
          profile: request.profile,
          csr: parseCertificationRequest(request.csrDer),
          authorityId: request.authorityId,
          validityMs: request.validitySeconds === 0 ? undefined : request.validitySeconds * 1_000,
        });
        return { certificate: issuedToProto(issued, clock.now()), chainDer: [...issued.chainDer] };
      }),

      get: guarded(door, "certificate.get", organisationOf, (request, actor) => {
        const status = getCertificate(door, actor, request.certificateId);
        const chainDer = [status.certificateDer, ...authorities.chainOf(status.authorityId, { withRoot: false })];
        return { certificate: toProto(status, clock.now()), chainDer };
      }),

      list: guarded(door, "certificate.list", organisationOf, (request, actor) => listPage(door, actor, request)),

      revoke: guarded(door, "certificate.revoke", organisationOf, async (request, actor) => {
        const revoked = await revocations.revoke({
          actor,
          request: requestKey(actor, "Revoke", RevokeCertificateRequest, request),
          certificate: getCertificate(door, actor, request.certificateId),
          reason: reasonFromProto(request.reason),
          invalidityDate: request.invalidityDate,
        });
        return toProto(revoked, clock.now());
      }),

      release: guarded(door, "certificate.release", organisationOf, async (request, actor) => {
        const released = await releases.release(
          actor,
          requestKey(actor, "Release", ReleaseCertificateRequest, request),
          getCertificate(door, actor, request.certificateId),
        );
        return toProto(released, clock.now());
      }),

      getStatus: guarded(door, "certificate.status", organisationOf, (request, actor) => {
        const status = getCertificate(door, actor, request.certificateId);
        return {
          certificateId: certificateId(status.authorityId, status.serial),
          state: STATES[stateOf(status, clock.now())],
          revokedAt: status.revocation?.revokedAt,
          revocationReason: REASONS[status.revocation?.reason ?? "unspecified"],
          notAfter: status.notAfter,
        };
      }),

      /** Of every tenant: whether a certificate is revoked is what its issuer tells the world. */
      async *streamStatus(request) {
        for await (const batch of streamStatus(door.statusLog, positionOf(request))) yield batchToProto(batch);
      },

      /** Of every tenant: who follows answers for whom it tells what. */
      async *streamCertificates(request) {
        const batches = streamStatus(door.statusLog, positionOf(request), { withSubjects: true });
        for await (const batch of batches) yield batchToProto(batch);
      },
    },
    CALLERS,
  );
}

function positionOf({ generation, afterSequence: sequence }: StreamStatusRequest): LogPosition {
  if (sequence < 0) throw new PkiError("REQUEST_MALFORMED", "a sequence is not negative");
  return { generation, sequence };
}

/** By certificate id, or by serial number in hex. Throws NOT_FOUND, AMBIGUOUS when two authorities used the serial number. */
function getCertificate({ certificates }: CertificateDoor, actor: Actor, id: string): CertificateStatus {
  const { organisation } = actor.organisation;
  const found = /^([0-9a-fA-F]{2}){1,20}$/.test(id)
    ? certificates.findBySerial(organisation, Buffer.from(id, "hex"))
    : [certificates.find({ organisation, ...parseCertificateId(id) })];
  const [certificate, second] = found;
  if (certificate === undefined) throw new PkiError("NOT_FOUND", "no such certificate");
  if (second !== undefined)
    throw new PkiError("AMBIGUOUS", "several certificates have this serial number: use the certificate id");
  return certificate;
}

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1_000;

function listPage({ list, clock }: CertificateDoor, actor: Actor, request: ListCertificatesRequest) {
  const now = clock.now();
  const filter = {
    organisation: actor.organisation.organisation,
    authorityId: request.authorityId || undefined,
    profile: request.profile || undefined,
    state: stateFromProto(request.state),
    name: request.name === "" ? undefined : parseNameSearch(request.name),
    expiresBefore: request.expiresBefore,
  };
  const size = Math.min(request.pageSize || DEFAULT_PAGE, MAX_PAGE);
  const { certificates, next } = list.page(filter, decodeCursor(request.pageToken), size, now);
  return {
    certificates: certificates.map((status) => ({ ...toProto(status, now), certificateDer: new Uint8Array() })),
    nextPageToken:
      next === undefined ? "" : Buffer.from(JSON.stringify([next.key, next.serialHex])).toString("base64url"),
  };
}

function decodeCursor(token: string): Cursor | undefined {
  if (token === "") return undefined;
  try {
    const [key, serialHex, more] = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    const isKey = typeof key === "string" || Number.isSafeInteger(key);
    if (isKey && typeof serialHex === "string" && /^[0-9a-f]*$/.test(serialHex) && more === undefined)
      return { key, serialHex };
  } catch {
    // Answered below, as any other token that is not ours.
  }
  throw new PkiError("REQUEST_MALFORMED", "not a page token of this service");
}

const issuedToProto = ({ status, certificate }: Issued, now: Date): CertificateMessage =>
  toProto(status, now, certificate);

function toProto(
  status: CertificateStatus,
  now: Date,
  certificate = parseCertificate(status.certificateDer),
): CertificateMessage {
  const { dns, ip, uri, email } = certificate.subjectAltNames;
  return {
    certificateId: certificateId(status.authorityId, status.serial),
    organisation: status.organisation,
    authorityId: status.authorityId,
    serialHex: serialToHex(status.serial),
    profile: status.profile,
    profileVersion: status.profileVersion,
    subject: nameToText(certificate.subject),
    ...{ dnsNames: [...dns], ipAddresses: [...ip], uris: [...uri], emails: [...email] },
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    state: STATES[stateOf(status, now)],
    revokedAt: status.revocation?.revokedAt,
    revocationReason: REASONS[status.revocation?.reason ?? "unspecified"],
    certificateDer: status.certificateDer,
    requester: status.requester,
    issuedAt: status.issuedAt,
    fingerprintSha256: hash("sha256", status.certificateDer, "buffer"),
    keyAlgorithm: certificate.keyAlgorithm,
  };
}

const batchToProto = ({ generation, fromStart, changes, head }: StatusBatch): StreamStatusResponse => ({
  ...{ generation, fromStart, headSequence: head },
  changes: changes.map(changeToProto),
});

const changeToProto = ({ revocation, kind, subject, ...change }: StatusChange): StatusChangeMessage => ({
  ...change,
  kind: KINDS[kind],
  subject: subject && { ...subject, revokedBy: subject.revokedBy ?? "" },
  revokedAt: revocation?.revokedAt,
  revocationReason: REASONS[revocation?.reason ?? "unspecified"],
  invalidityDate: revocation?.invalidityDate,
});

const KINDS = {
  issued: StatusChangeKindMessage.ISSUED,
  revoked: StatusChangeKindMessage.REVOKED,
  held: StatusChangeKindMessage.HELD,
  released: StatusChangeKindMessage.RELEASED,
} as const satisfies Record<StatusChangeKind, StatusChangeKindMessage>;

const STATES = {
  valid: CertificateState.VALID,
  revoked: CertificateState.REVOKED,
  expired: CertificateState.EXPIRED,
} as const satisfies Record<State, CertificateState>;

function stateFromProto(state: CertificateState): State | undefined {
  if (state === CertificateState.UNSPECIFIED) return undefined;
  const found = Object.entries(STATES).find(([, message]) => message === state);
  if (found === undefined) throw new PkiError("REQUEST_MALFORMED", "no such state of a certificate");
  return found[0] as State;
}
