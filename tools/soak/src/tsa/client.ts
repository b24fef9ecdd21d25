import { randomBytes, randomInt, randomUUIDv7 } from "node:crypto";
import { ERRORS, type ErrorCode, PkiError } from "@vcc-pki/errors";
import { BulkMode, type TimestampServiceDefinition } from "@vcc-pki/proto/tsa";
import type { Remote } from "@vcc-pki/rpc";
import { systemClock } from "@vcc-pki/time";
import { buildTimeStampReq, messageImprintOf, type PkiFailureInfo } from "@vcc-pki/x509";
import { judgeResponse, judgeToken, NAMED_REFUSALS, type Outcome, type Question } from "./judge.ts";

const PATIENCE_MS = 10_000;
const BULK = 20;
const REQUEST_TYPE = "application/timestamp-query";

/** What came of one attempt; `error` is a call that failed and may be repeated, or no answer at all. */
export type Attempt = Outcome | { readonly kind: "error"; readonly code: ErrorCode | "unavailable" };

export interface ClientOptions {
  readonly url: string;
  readonly service: Remote<typeof TimestampServiceDefinition>;
  readonly expected: Pick<Question, "policies" | "trust">;
}

/** A request that can be made again under the same request id. */
export interface Repeatable {
  /** What came of each of its digests this time, in their order; one outcome when the whole call failed. */
  attempt(): Promise<readonly Attempt[]>;
}

/** Asks one replica for tokens, and judges every answer. */
export class Client {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Over HTTP, with a nonce. */
  async overHttp(): Promise<Attempt> {
    const question = this.#newQuestion(Uint8Array.of(0x40, ...randomBytes(8)));
    const body = Buffer.from(requestOf(question));
    let response: Response;
    let answer: Uint8Array;
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const headers = { "content-type": REQUEST_TYPE };
      response = await fetch(this.#options.url, { method: "POST", headers, body, signal });
      answer = new Uint8Array(await response.arrayBuffer());
    } catch {
      return { kind: "error", code: "unavailable" };
    }
    // RFC 3161 section 3.4: what is wrong stands in the answer.
    if (response.status !== 200) return { kind: "fault", fault: `HTTP status ${response.status}` };
    return judgeResponse(answer, question, systemClock.now());
  }

  /** By the RPC Timestamp, as a suite service asks. */
  overRpc(): Repeatable {
    const question = this.#newQuestion(randomInt(2) === 0 ? undefined : Uint8Array.of(0x40, ...randomBytes(8)));
    const request = {
      ...{ requestId: randomUUIDv7(), unit: "" },
      question: { $case: "timeStampReq", value: requestOf(question) } as const,
    };
    const call = async (): Promise<Attempt[]> => {
      const { timeStampResp } = await this.#options.service.timestamp(request);
      return [judgeResponse(timeStampResp, question, systemClock.now())];
    };
    return { attempt: () => unlessRefused(call) };
  }

  /** By the RPC BulkTimestamp, a token for each digest. */
  inBulk(): Repeatable {
    const questions = Array.from({ length: BULK }, () => this.#newQuestion());
    const request = {
      ...{ requestId: randomUUIDv7(), unit: "", policyOid: "", certReq: true, hashAlgorithm: "sha256" },
      ...{ mode: BulkMode.SINGLE_TOKENS, digests: questions.map(({ messageImprint }) => messageImprint.digest) },
    };
    const call = async (): Promise<Attempt[]> => {
      const attempts: Attempt[] = questions.map(() => ({ kind: "fault", fault: "a digest without outcome" }));
      for await (const { items } of this.#options.service.bulkTimestamp(request)) {
        for (const { index, outcome } of items) {
          const question = questions[index];
          if (question === undefined) return [{ kind: "fault", fault: `no digest has the number ${index}` }];
          if (outcome?.$case === "token")
            attempts[index] = judgeToken(outcome.value.tokenDer, question, systemClock.now());
          if (outcome?.$case === "refusal") attempts[index] = judgeRefusal(outcome.value.failInfo);
        }
      }
      return attempts;
    };
    return { attempt: () => unlessRefused(call) };
  }

  #newQuestion(nonce?: Uint8Array): Question {
    const messageImprint = messageImprintOf("sha256", randomBytes(32));
    return { ...this.#options.expected, messageImprint, ...(nonce && { nonce }), sentAt: systemClock.now() };
  }
}

const requestOf = ({ messageImprint, nonce }: Question): Uint8Array =>
  buildTimeStampReq({ messageImprint, ...(nonce && { nonce }), certReq: true });

function judgeRefusal(failInfo: string): Attempt {
  return NAMED_REFUSALS.includes(failInfo as PkiFailureInfo)
    ? { kind: "refused", failInfo: failInfo as PkiFailureInfo }
    : { kind: "fault", fault: `refused with ${failInfo}` };
}

/** Errors that say "ask again" are no answer; any other is wrong. */
async function unlessRefused(call: () => Promise<readonly Attempt[]>): Promise<readonly Attempt[]> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    if (ERRORS[error.code].retry) return [{ kind: "error", code: error.code }];
    return [{ kind: "fault", fault: `${error.code} ${error.message}` }];
  }
}
