import type { OutboxEvent } from "@vcc-pki/store";
import { z } from "zod";

const id = z.string().min(1).max(200);
/** Lower-case hex of even length. */
const hex = z.string().regex(/^([0-9a-f]{2}){1,64}$/);
/** RFC 3339 in UTC. */
const time = z.iso.datetime();
const certificate = { certificateId: id, authorityId: id, serialHex: hex, profile: id, notAfter: time };
/** Place among the changes of status of one source, numbered without gaps within a generation of serial numbers: who finds one
 *  missing asks the source for it (ca.CertificateService.StreamStatus). */
const position = { generation: z.int().positive().optional(), sequence: z.int().positive().optional() };

const serviceState = z.object({ service: id, state: id, reason: z.string().max(300) });

/** What a probe has seen at "host:port"; `verdict` and `reason` are words of services/discovery. */
const served = {
  endpoint: z.string().min(1).max(300),
  verdict: z.string().max(40),
  reason: z.string().max(40),
  service: id.optional(),
  fingerprint: hex.optional(),
  notAfter: time.optional(),
};

/** What can have happened: the data of each fact by its type. Identifiers only, no keys and no personal data. A field may be
 *  added to a version when old subscribers can do without it; anything else is a new version. */
export const FACTS = {
  "pki.certificate.issued.v1": z.object({
    ...certificate,
    ...position,
    notBefore: time.optional(),
    dnsNames: z.array(z.string().max(253)).max(1_000).optional(),
    requestId: id.optional(),
    /** Of a workload's SPIFFE id. */
    service: id.optional(),
  }),
  "pki.certificate.revoked.v1": z.object({
    ...certificate,
    ...position,
    profile: id.optional(),
    /** CRLReason of RFC 5280 section 5.3.1 by its name, e.g. "keyCompromise". */
    reason: z.string().max(40),
    revokedAt: time,
    invalidityDate: time.optional(),
  }),
  /** A hold has ended: the certificate is good again. */
  "pki.certificate.released.v1": z.object({ ...certificate, ...position, releasedAt: time }),
  /** `threshold` is the one that was crossed: a duration before the end ("7d") or a fraction of life ("1/3"). */
  "pki.certificate.expiring.v1": z.object({ ...certificate, threshold: z.string().max(20) }),
  "pki.certificate.expired.v1": z.object(certificate),
  "pki.authority.created.v1": z.object({
    authorityId: id,
    parentAuthorityId: id.optional(),
    keyId: id.optional(),
    serialHex: hex.optional(),
    notAfter: time,
  }),
  "pki.authority.revoked.v1": z.object({ authorityId: id, reason: z.string().max(40), revokedAt: time }),
  "pki.crl.published.v1": z.object({
    authorityId: id,
    shard: z.int().nonnegative().optional(),
    delta: z.boolean().optional(),
    crlNumber: z.int().nonnegative(),
    thisUpdate: time,
    nextUpdate: time,
    revokedCount: z.int().nonnegative().optional(),
  }),
  "pki.organisation.created.v1": z.object({
    organisationId: id,
    isolation: z.enum(["strict", "collaborative", "federated"]),
  }),
  /** `operation` is what waits, e.g. "authority.create"; `required` the number of custodians. */
  "pki.approval.requested.v1": z.object({
    approvalId: id,
    operation: id,
    keyId: id.optional(),
    required: z.int().positive(),
    expiresAt: time,
  }),
  "pki.approval.granted.v1": z.object({ approvalId: id, operation: id }),
  /** `code` is APPROVAL_REFUSED, or APPROVAL_EXPIRED when they did not agree in time. */
  "pki.approval.refused.v1": z.object({ approvalId: id, operation: id, code: z.string().max(40) }),
  /** The health of revocation itself: `alarm` is what is wrong, e.g. "crl-age", `subject` whose; `raised` is false when it is over. */
  "pki.status.alarm.v1": z.object({ alarm: id, subject: id, detail: z.string().max(300), raised: z.boolean() }),
  /** Tokens that were issued since the last such event, counted by unit: they come by the thousand in a second. */
  "pki.timestamp.issued.v1": z.object({
    unit: id,
    replica: id,
    count: z.int().positive(),
    firstSerialHex: hex,
    lastSerialHex: hex,
    firstGenTime: time,
    lastGenTime: time,
  }),
  /** The health of time: `alarm` is what is wrong ("clock", "unit"), `subject` whose; `raised` is false when it is over. */
  "pki.timestamp.alarm.v1": z.object({ alarm: id, subject: id, detail: z.string().max(300), raised: z.boolean() }),
  /** `artefactDigest` is what was signed, "sha256:" and hex; `artefactType` is absent where only the digest is known. */
  "pki.artefact.signed.v1": z.object({
    signatureId: id,
    format: z.enum(["manifest", "digest", "oms", "sigstore", "attestation", "publish"]),
    artefactDigest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
    artefactType: id.optional(),
    signer: id,
    genTime: time,
  }),
  /** The signing service was asked, and all held; `count` is how many times in one question. */
  "pki.artefact.verified.v1": z.object({
    ...{ signatureId: id, artefactDigest: z.string().regex(/^sha256:[0-9a-f]{64}$/), policy: id },
    count: z.int().positive(),
  }),
  /** By the word of who used it, `count` times (once when absent); `usage` is "verified", "loaded" or "refused". */
  "pki.artefact.used.v1": z.object({
    signatureId: id,
    artefactDigest: id,
    usage: id,
    count: z.int().positive().optional(),
  }),
  /** `count` artefacts are not to be used any more, the target of the recall and what was made from it. */
  "pki.artefact.recalled.v1": z.object({ recallId: id, target: id, count: z.int().nonnegative() }),
  /** `unit` is the time-stamping unit it is for, if it is for one. */
  "pki.key.created.v1": z.object({ keyId: id, purpose: id, unit: id.optional() }),
  "pki.key.destroyed.v1": z.object({ keyId: id, purpose: id, unit: id.optional() }),
  "pki.service.discovered.v1": serviceState,
  "pki.service.registered.v1": serviceState,
  "pki.service.approved.v1": serviceState,
  /** It has a valid certificate, and nothing is known against it. */
  "pki.service.active.v1": serviceState,
  /** It has no valid certificate any more. */
  "pki.service.lapsed.v1": serviceState,
  "pki.service.unreachable.v1": serviceState,
  "pki.service.removed.v1": serviceState,
  "pki.service.certified.v1": z.object({ service: id, certificateId: id, notAfter: time }),
  /** The agent of `agent` was told to get a certificate for the service; `reason` is one word, e.g. "served-expired". */
  "pki.service.told.v1": z.object({ service: id, agent: id, reason: z.string().max(40) }),
  /** It was seen serving the certificate that it was given. */
  "pki.service.served.v1": z.object({ service: id, serialHex: hex }),
  /** Its agent could not deploy a certificate, by the agent's word. */
  "pki.service.failed.v1": z.object({ service: id, detail: z.string().max(300) }),
  /** A service without token asks for an identity, and waits for an administrator. */
  "pki.enrolment.requested.v1": z.object({ enrolmentRequestId: id, service: id }),
  "pki.enrolment.decided.v1": z.object({ enrolmentRequestId: id, service: id, approved: z.boolean() }),
  /** A probe has found somebody who answers. `fingerprint` is the SHA-256 of the served certificate, absent without TLS. */
  "pki.inventory.found.v1": z.object(served),
  /** It answers otherwise than before: another verdict, or another certificate. */
  "pki.inventory.changed.v1": z.object({ ...served, fromVerdict: z.string().max(40) }),
  "pki.policy.changed.v1": z.object({ policy: id, policyId: id, version: z.int().nonnegative().optional() }),
  /** A policy was put, or found in its file, that does not hold: the one before is in force. `detail` is its first mistake. */
  "pki.policy.refused.v1": z.object({ policy: id, policyId: id, detail: z.string().max(300) }),
} as const satisfies Record<string, z.ZodObject>;

export type FactType = keyof typeof FACTS;

export type FactData<T extends FactType> = z.infer<(typeof FACTS)[T]>;

export const isFactType = (type: string): type is FactType => Object.hasOwn(FACTS, type);

/** The same, admitting nothing more: what we send. Made once, for zod compiles a schema when it is first used. */
const STRICT_FACTS = new Map<string, z.ZodObject>(Object.entries(FACTS).map(([type, fact]) => [type, fact.strict()]));

const ORGANISATION = /^[a-z][a-z0-9-]{1,38}[a-z0-9]$/;

/** The outbox message that tells a fact: `event("pki.certificate.issued.v1", "brandenburg", …)` goes to subject
 *  "pki.brandenburg.certificate.issued". Data that does not fit, or says more than the schema admits, is a programmer's error. */
export function event<T extends FactType>(type: T, organisation: string, data: FactData<T>): OutboxEvent {
  if (!ORGANISATION.test(organisation)) throw new Error(`not an organisation: ${organisation}`);
  return { type, subject: subjectOf(type, organisation), data: STRICT_FACTS.get(type)?.parse(data) };
}

/** `organisation` may be "*" to subscribe to everyone's. */
export function subjectOf(type: FactType, organisation: string): string {
  const [, entity, fact] = type.split(".");
  return `pki.${organisation}.${entity}.${fact}`;
}
