import { PkiError } from "@vcc-pki/errors";
import type { Clock } from "@vcc-pki/time";
import {
  type CertId,
  type OcspRequest,
  ocspExtendedRevoke,
  ocspNonce,
  parseOcspRequest,
  type SingleResponseFields,
} from "@vcc-pki/x509";
import { type Answer, errorAnswer, toLatin1 } from "./answer.ts";
import { AnswerCache, type CachedAnswer } from "./answer-cache.ts";
import { answerFields, certStatus } from "./answer-fields.ts";
import type { CurrencyAccount } from "./currency.ts";
import type { Issuer, Issuers } from "./issuers.ts";
import type { OnDemand } from "./on-demand.ts";
import type { Responder, Responders } from "./responders.ts";
import { type Status, toSeconds } from "./status.ts";
import { isSameRevocation, type StatusMemory } from "./status-memory.ts";
import type { CertificateTable } from "./store/certificates.ts";

export interface RespondOptions {
  readonly memory: StatusMemory;
  readonly certificates: CertificateTable;
  readonly issuers: Issuers;
  readonly responders: Responders;
  readonly currency: CurrencyAccount;
  readonly onDemand: OnDemand;
  readonly neverIssued: "unknown" | "revoked";
  readonly validityMs: number;
  readonly neverIssuedValidityMs: number;
  readonly cachedAnswers: number;
  readonly clock: Clock;
}

/** Questions this long are not remembered. */
const MAX_REMEMBERED = 512;

/** How far thisUpdate may lie ahead of our clock, which may have been set back a little. */
const CLOCK_STEP_SECONDS = 60;

/** RFC 6960 section 4.4.8: what "revoked" says of a certificate that was never issued. */
const NEVER_ISSUED = { revokedAtMs: 0, reason: 6 } as const;

/** OCSP (RFC 6960, 9654, 9919): octets of a question to octets of the answer.
 *
 *  1. A question asked before, whose answer still holds, gets the same octets.
 *  2. Otherwise it is parsed. Malformed: malformedRequest. About an authority that is none of ours, about several, about another than
 *     the address says, or about one that has no responder by its rules: unauthorized. Its responder is not there yet: tryLater.
 *  3. One certificate and no nonce: the answer signed ahead, if there is a fresh one.
 *  4. Anything else is signed now: revoked whenever we know of it; good and unknown only from a projection that is current, else
 *     tryLater; also when the signature cannot be had. */
export class Desk {
  readonly #options: RespondOptions;
  readonly cache: AnswerCache;
  readonly #pending = new Map<string, Promise<Answer>>();

  constructor(options: RespondOptions) {
    this.#options = options;
    this.cache = new AnswerCache(options.memory.certificates, options.cachedAnswers);
    options.responders.onChange(() => this.cache.clear());
  }

  /** The answer to the same octets, if it holds still. */
  findCached(question: string): CachedAnswer | undefined {
    const cached = this.cache.find(question);
    if (cached === undefined) return undefined;
    return this.#holds(cached.answer.window, cached.isGood) ? cached : undefined;
  }

  /** `question` stands for these octets, asked of this authority, and for no others. Never rejects. */
  respond(requestDer: Uint8Array, authorityId: string | undefined, question: string): Answer | Promise<Answer> {
    let request: OcspRequest;
    try {
      request = parseOcspRequest(requestDer);
    } catch (error) {
      if (error instanceof PkiError) return errorAnswer("malformedRequest");
      throw error;
    }
    const [first, second] = request.certIds;
    const issuer = first && this.#options.issuers.findByCertId(first);
    if (first === undefined || issuer === undefined || !this.#isFor(issuer, request, authorityId))
      return errorAnswer("unauthorized");
    if (second !== undefined || request.nonce !== undefined) return this.#signNow(issuer, request);

    const slot = this.#options.memory.find(issuer.issuer, first.serial);
    return this.#findAhead(issuer, first, slot, question) ?? this.#signOnce(issuer, request, slot, question);
  }

  /** All certificates of one issuer, which the address may name. */
  #isFor(issuer: Issuer, { certIds }: OcspRequest, authorityId: string | undefined): boolean {
    if (authorityId !== undefined && issuer.authorityId !== authorityId) return false;
    return certIds.every((certId) => this.#options.issuers.findByCertId(certId) === issuer);
  }

  #findAhead(issuer: Issuer, certId: CertId, slot: number, question: string): Answer | undefined {
    const { memory, responders } = this.#options;
    const hash = certId.hashAlgorithm;
    const signed = slot === -1 || hash === undefined ? undefined : memory.answersFor(hash)?.find(slot);
    const responder = signed && responders.find(signed.responder);
    if (hash === undefined || signed === undefined || responder === undefined) return undefined;
    const { revocation } = memory.certificates.statusOf(slot);
    if (!this.#holds(signed, revocation === undefined)) return undefined;
    const fields = answerFields(issuer, hash, certId.serial, revocation, signed);
    // It was signed for a CertID with NULL parameters; one without is repeated as it came (RFC 6960 section 4.2.1).
    if (!sameOctets(fields.responses[0]?.certIdDer, certId.der)) return undefined;
    const { thisUpdate, nextUpdate } = signed;
    const body = toLatin1(responder.template.answer(fields, signed.signature));
    const answer: Answer = { body, kind: "ahead", window: { thisUpdate, nextUpdate } };
    if (question.length <= MAX_REMEMBERED) this.cache.add(question, answer, slot);
    return answer;
  }

  #holds(window: Answer["window"], isGood: boolean): boolean {
    if (isGood && this.#options.currency.state === "behind") return false;
    const now = this.#options.clock.now().getTime() / 1_000;
    return window !== undefined && now < window.nextUpdate && window.thisUpdate <= now + CLOCK_STEP_SECONDS;
  }

  /** The same question asked by many at once is signed once. */
  #signOnce(issuer: Issuer, request: OcspRequest, slot: number, question: string): Promise<Answer> {
    const pending = this.#pending.get(question);
    if (pending !== undefined) return pending;
    const { certificates } = this.#options.memory;
    const version = slot === -1 ? 0 : certificates.versionOf(slot);
    const answering = this.#signNow(issuer, request)
      .then((answer) => {
        const mayBeKept = slot !== -1 && answer.window !== undefined && question.length <= MAX_REMEMBERED;
        if (mayBeKept && certificates.versionOf(slot) === version) this.cache.add(question, answer, slot);
        return answer;
      })
      .finally(() => this.#pending.delete(question));
    this.#pending.set(question, answering);
    return answering;
  }

  async #signNow(issuer: Issuer, { certIds, nonce }: OcspRequest): Promise<Answer> {
    const { responders, onDemand, clock } = this.#options;
    const responder = responders.findFor(issuer.issuer);
    if (responder === undefined) return errorAnswer(issuer.issuesResponders ? "tryLater" : "unauthorized");
    const now = clock.now();
    const statuses = certIds.map(({ serial }) => this.#statusOf(issuer.issuer, serial));
    if (!this.#maySay(statuses, "current")) return errorAnswer("tryLater");

    const responses = certIds.map((certId, i) => this.#say(issuer, certId, statuses[i], responder, now));
    const isNeverIssued = statuses.includes(undefined);
    const extensions = nonce === undefined ? [] : [ocspNonce(nonce)];
    if (isNeverIssued && this.#options.neverIssued === "revoked") extensions.push(ocspExtendedRevoke());
    const response = await onDemand.sign(responder, { producedAt: now, responses, extensions });

    // What became known while it was signed would make it a lie.
    const isStillTrue = certIds.every(({ serial }, i) => isSame(this.#statusOf(issuer.issuer, serial), statuses[i]));
    if (response === undefined || !isStillTrue || !this.#maySay(statuses, "stale")) return errorAnswer("tryLater");
    return {
      body: toLatin1(response),
      kind: "on-demand",
      window: nonce === undefined && !isNeverIssued ? windowOf(responses[0]) : undefined,
    };
  }

  /** "revoked" may always be said; anything else only by what the ca has told us. */
  #maySay(statuses: readonly (Status | undefined)[], atLeast: "current" | "stale"): boolean {
    const { state } = this.#options.currency;
    if (state === "current" || state === atLeast) return true;
    return statuses.every((status) => status?.revocation !== undefined);
  }

  #say(
    issuer: Issuer,
    { der: certIdDer }: CertId,
    status: Status | undefined,
    responder: Responder,
    thisUpdate: Date,
  ): SingleResponseFields {
    const { neverIssued, validityMs, neverIssuedValidityMs } = this.#options;
    const end = thisUpdate.getTime() + (status === undefined ? neverIssuedValidityMs : validityMs);
    const common = { certIdDer, thisUpdate, nextUpdate: new Date(Math.min(end, responder.notAfter.getTime())) };
    if (status !== undefined)
      return { ...certStatus(status.revocation), ...common, extensions: issuer.singleExtensions };
    return { ...(neverIssued === "unknown" ? { status: neverIssued } : certStatus(NEVER_ISSUED)), ...common };
  }

  /** From memory, or from the database for what has expired. */
  #statusOf(issuer: number, serial: Uint8Array): Status | undefined {
    const { memory, certificates } = this.#options;
    const slot = memory.find(issuer, serial);
    return slot === -1 ? certificates.find({ issuer, serial }) : memory.certificates.statusOf(slot);
  }
}

function windowOf(response: SingleResponseFields | undefined): Answer["window"] {
  if (response === undefined) return undefined;
  const { thisUpdate, nextUpdate } = response;
  return { thisUpdate: toSeconds(thisUpdate.getTime()), nextUpdate: toSeconds(nextUpdate.getTime()) };
}

function isSame(one: Status | undefined, other: Status | undefined): boolean {
  return (one === undefined) === (other === undefined) && isSameRevocation(one?.revocation, other?.revocation);
}

function sameOctets(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && Buffer.compare(one, other) === 0;
}
