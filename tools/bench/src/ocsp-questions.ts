import { setTimeout as sleep } from "node:timers/promises";
import { AuthorityServiceDefinition } from "@vcc-pki/proto/ca";
import type { Suite } from "@vcc-pki/suite-tool";
import { systemClock } from "@vcc-pki/time";
import {
  buildCertId,
  buildOcspRequest,
  type Certificate,
  issuerHashes,
  parseCertificate,
  parseOcspResponse,
  verifyOcspResponse,
} from "@vcc-pki/x509";
import { HttpConnection, postRequest } from "./http-connection.ts";
import { readMetric, sumOf } from "./metrics.ts";

export const REQUEST_TYPE = "application/ocsp-request";

/** The certificate of an authority. */
export async function issuerOf(suite: Suite, authorityId: string): Promise<Certificate> {
  const { issuers } = await suite.connect(AuthorityServiceDefinition, "ca", "ocsp").listIssuers({});
  const listed = issuers.find((issuer) => issuer.authorityId === authorityId);
  if (listed === undefined) throw new Error(`the ca does not list ${authorityId}`);
  return parseCertificate(listed.certificateDer);
}

/** Octets of a question about one certificate, as most clients send it: SHA-1, no nonce unless given. */
export function questionAbout(issuer: Certificate, serial: Uint8Array, nonce?: Uint8Array): Uint8Array {
  return buildOcspRequest([buildCertId(issuerHashes(issuer).sha1, serial)], nonce);
}

/** The address that the authority's certificates name. */
export const ocspPath = (authorityId: string): string => `/ocsp/${authorityId}`;

/** The question in a path (RFC 6960 appendix A.1). */
export const pathOf = (authorityId: string, question: Uint8Array): string =>
  `${ocspPath(authorityId)}/${encodeURIComponent(Buffer.from(question).toString("base64"))}`;

/** Asks every question once over some connections, and gives the answers in the same order. */
export async function askAll(suite: Suite, authorityId: string, questions: readonly Uint8Array[]): Promise<Buffer[]> {
  const answers: Buffer[] = [];
  let next = 0;
  const work = async () => {
    const connection = await HttpConnection.open(suite.ocspHttpPort);
    try {
      while (next < questions.length) {
        const index = next++;
        const question = questions[index] ?? new Uint8Array();
        answers[index] = await connection.send(postRequest(ocspPath(authorityId), REQUEST_TYPE, question));
      }
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  return answers;
}

/** How many answers the ocsp service has sent since its start. */
export interface AnswerCounts {
  readonly ahead: number;
  readonly onDemand: number;
  readonly errors: number;
}

export async function readAnswerCounts(suite: Suite): Promise<AnswerCounts> {
  const text = await (await fetch(`http://127.0.0.1:${suite.healthPortOf("ocsp")}/metrics`)).text();
  const total = sumOf(text, ANSWERS);
  const ahead = sumOf(text, ANSWERS, ['kind="ahead"']);
  const onDemand = sumOf(text, ANSWERS, ['kind="on-demand"']);
  return { ahead, onDemand, errors: total - ahead - onDemand };
}

const ANSWERS = "pki_ocsp_answers_total";
const SIGNED_AHEAD = "pki_ocsp_signed_ahead_total";

/** Does `work`, during which the ocsp service must have sent answers of this kind only. */
export async function answeredOnly<T>(suite: Suite, kind: "ahead" | "onDemand", work: () => Promise<T>): Promise<T> {
  const before = await readAnswerCounts(suite);
  const result = await work();
  const after = await readAnswerCounts(suite);
  for (const other of ["ahead", "onDemand", "errors"] as const) {
    const count = after[other] - before[other];
    if (other !== kind && count > 0) throw new Error(`${count} answers were ${other}, not ${kind}`);
  }
  return result;
}

/** The answers, as soon as all of these are answered by what was signed ahead. */
export async function answersAhead(
  suite: Suite,
  authorityId: string,
  questions: readonly Uint8Array[],
): Promise<Buffer[]> {
  for (;;) {
    const before = await readAnswerCounts(suite);
    const answers = await askAll(suite, authorityId, questions);
    const after = await readAnswerCounts(suite);
    if (after.ahead - before.ahead === questions.length) return answers;
    await sleep(250);
  }
}

/** Resolves when the ocsp service has signed so many answers ahead since its start. */
export async function signedSoMany(suite: Suite, count: number, pollMs: number): Promise<void> {
  while ((await readMetric(suite.healthPortOf("ocsp"), SIGNED_AHEAD)) < count) await sleep(pollMs);
}

/** Resolves when the ocsp service has copied what the ca knows and has signed what there is to sign: when neither has gone on for a
 *  while. Until then it keeps the suite busy. */
export async function ocspSettled(suite: Suite): Promise<void> {
  for (let before = Number.NaN, now = await readWork(suite); now !== before; now = await readWork(suite)) {
    before = now;
    await sleep(SETTLED_MS);
  }
}

const SETTLED_MS = 5_000;

async function readWork(suite: Suite): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${suite.healthPortOf("ocsp")}/metrics`)).text();
  return sumOf(text, "pki_status_changes_total") + sumOf(text, SIGNED_AHEAD);
}

/** Throws unless the answer says so of a certificate, and its signature is the issuer's word. */
export function requireStatus(
  answer: Buffer,
  issuer: Certificate,
  serial: Uint8Array,
  status: "good" | "revoked",
): void {
  const { response } = verifyOcspResponse(parseOcspResponse(answer), { issuer, serial, at: systemClock.now() });
  if (response.status !== status) throw new Error(`the answer says ${response.status}, not ${status}`);
}
