import { type ErrorCode, PkiError } from "@vcc-pki/errors";
import {
  type BulkItem,
  BulkMode,
  type ClockStatus,
  type Refusal,
  type StatusResponse,
  type TimestampResponse,
  type Token,
  type UnitStatus,
  type VerifyRequest,
  type VerifyResponse,
} from "@vcc-pki/proto/tsa";
import { PKI_FAILURE_INFO, type PkiFailureInfo } from "@vcc-pki/x509";
import type { TimestampCheckAnswer, TimestampCheckQuestion } from "../api/time-stamp-check.ts";
import type { BulkTimestampItem, BulkTimestampQuestion, TimestampToken, TsaStatus } from "../api/tsa.ts";
import {
  broughtToProto,
  certificatePem,
  integerOctets,
  octets,
  present,
  requiredTimestamp,
  timestamp,
} from "./values.ts";

export const MODE_TO_PROTO = {
  single: BulkMode.SINGLE_TOKENS,
  merkle: BulkMode.MERKLE_TREE,
} as const satisfies Record<BulkTimestampQuestion["mode"], BulkMode>;

/** Refusals of RFC 3161 section 2.4.2 at this door. What the time or the token is missing for may work later. */
const FAIL_INFO_TO_CODE = {
  badAlg: "ALGORITHM_NOT_ALLOWED",
  badRequest: "REQUEST_MALFORMED",
  badDataFormat: "REQUEST_MALFORMED",
  timeNotAvailable: "TIME_NOT_AVAILABLE",
  unacceptedPolicy: "NOT_FOUND",
  unacceptedExtension: "REQUEST_MALFORMED",
  addInfoNotAvailable: "REQUEST_MALFORMED",
  systemFailure: "PEER_UNAVAILABLE",
} as const satisfies Record<PkiFailureInfo, ErrorCode>;

/** The PKIFailureInfo stands in the details as `failInfo`. */
export function refusalToError({ failInfo, text }: Refusal): PkiError {
  return new PkiError(codeOf(failInfo), text, { details: { failInfo } });
}

function codeOf(failInfo: string): ErrorCode {
  if (!Object.hasOwn(PKI_FAILURE_INFO, failInfo)) throw new Error("the answer has an unknown fail_info");
  return FAIL_INFO_TO_CODE[failInfo as PkiFailureInfo];
}

/** The token, or its refusal thrown. */
export function tokenOf(outcome: TimestampResponse["outcome"]): Token {
  if (outcome === undefined) throw new Error("the answer has no outcome");
  if (outcome.$case === "refusal") throw refusalToError(outcome.value);
  return outcome.value;
}

export function tokenToJson(token: Token): TimestampToken {
  const { tokenDer, serialHex, genTime, policyOid, unit, messageImprint, test } = token;
  if (messageImprint === undefined) throw new Error("the answer has no message_imprint");
  return {
    token: Buffer.from(tokenDer).toString("base64"),
    serial_number: serialHex,
    gen_time: requiredTimestamp(genTime, "gen_time"),
    policy: policyOid,
    unit,
    hash_algorithm: messageImprint.hashAlgorithm,
    digest: hex(messageImprint.digest),
    test,
  };
}

export function bulkItemToJson({ index, outcome }: BulkItem): BulkTimestampItem {
  if (outcome === undefined) throw new Error("the answer has an item without outcome");
  if (outcome.$case === "token") return { index, token: tokenToJson(outcome.value) };
  if (outcome.$case === "refusal") {
    const { failInfo, text } = outcome.value;
    return { index, refusal: { code: codeOf(failInfo), fail_info: failInfo, detail: text } };
  }
  const { leafIndex, treeSize, path } = outcome.value;
  return { index, proof: { leaf_index: leafIndex, tree_size: treeSize, path: path.map(hex) } };
}

export function tsaStatusToJson({ replica, clock, units, tokens }: StatusResponse): TsaStatus {
  if (clock === undefined) throw new Error("the answer has no clock");
  return { replica, clock: clockToJson(clock), units: units.map(unitToJson), tokens: Number(tokens) };
}

const clockToJson = (clock: ClockStatus): TsaStatus["clock"] => ({
  unavailable: present(clock.unavailable),
  unproven: clock.unproven,
  evidence_id: present(clock.evidenceId),
  evidence_taken_at: timestamp(clock.evidenceTakenAt),
  offset_ms: clock.offsetMs,
  error_ms: clock.errorMs,
});

const unitToJson = (status: UnitStatus): TsaStatus["units"][number] => ({
  unit: status.unit,
  policies: status.policyOids,
  key_algorithm: status.keyAlgorithm,
  accuracy_ms: status.accuracyMs,
  test: status.test,
  unavailable: present(status.unavailable),
  signs_until: timestamp(status.signsUntil),
  expires_at: timestamp(status.notAfter),
});

/** Throws REQUEST_MALFORMED for what is no PEM. */
export function checkQuestionToProto(question: TimestampCheckQuestion): VerifyRequest {
  const { token, nonce, policies = [] } = question;
  return {
    tokenDer: octets(token),
    stamped: stampedOf(question),
    nonce: nonce === undefined ? new Uint8Array() : integerOctets(nonce),
    policyOids: policies,
    ...broughtToProto(question),
    requireRevocation: question.require_revocation ?? false,
  };
}

function stampedOf({ digest, hash_algorithm, data, document }: TimestampCheckQuestion): VerifyRequest["stamped"] {
  if (digest !== undefined) {
    const messageImprint = { hashAlgorithm: hash_algorithm ?? "", digest: Buffer.from(digest, "hex") };
    return { $case: "messageImprint", value: messageImprint };
  }
  return { $case: "data", value: document === undefined ? octets(data ?? "") : Buffer.from(document, "utf8") };
}

export function checkAnswerToJson(answer: VerifyResponse): TimestampCheckAnswer {
  return {
    ok: answer.ok,
    gen_time: timestamp(answer.genTime),
    serial_number: present(answer.serialHex),
    policy: present(answer.policyOid),
    signer: certificatePem(answer.signerDer),
    checks: answer.checks.map(({ name, ok, reason }) => ({ name, ok, reason: present(reason) })),
  };
}

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString("hex");
