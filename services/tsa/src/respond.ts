import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import {
  type PkiFailureInfo,
  parseTimeStampReq,
  TimeStampRefusal,
  type TimeStampReq,
  timeStampResp,
} from "@vcc-pki/x509";
import type { Issuance, IssueInput } from "./issue.ts";
import type { AnswerCounts } from "./metrics.ts";
import type { StoredToken } from "./store/tokens.ts";
import type { Units } from "./units.ts";

export interface DeskOptions {
  readonly issuance: Issuance;
  readonly units: Units;
  readonly counts: AnswerCounts;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What came of a request. Either way there is a TimeStampResp. */
export type Outcome =
  | { readonly token: StoredToken; readonly tokenDer: Uint8Array }
  | { readonly refusal: TimeStampRefusal };

/** A kind of refusal is logged so often at most. */
const LOGGED_EVERY_MS = 1_000;

/** RFC 3161 in octets: every request is answered, refusals in band. */
export class Desk {
  readonly #options: DeskOptions;
  /** By kind: when one was logged last, and how many were passed over since. */
  readonly #logged = new Map<PkiFailureInfo, { readonly atMs: number; passedOver: number }>();

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** TimeStampReq to TimeStampResp, both DER. */
  async answer(requestDer: Uint8Array, unit: string, organisation: string): Promise<Uint8Array> {
    return this.toResponse(await this.stampRequest(requestDer, { unit, organisation, request: undefined }));
  }

  /** The same with what came of it. Rejects as `stampAsked`. */
  stampRequest(requestDer: Uint8Array, input: Omit<IssueInput, "question">): Promise<Outcome> {
    return this.stampAsked(() => parseTimeStampReq(requestDer), input);
  }

  /** `ask` gives the request or throws a TimeStampRefusal. Rejects with REQUEST_ID_REUSED, with NOT_FOUND when the token of an earlier
   *  request is no longer kept, and with what is a mistake of ours. */
  async stampAsked(ask: () => TimeStampReq, input: Omit<IssueInput, "question">): Promise<Outcome> {
    try {
      const token = await this.#options.issuance.issue({ ...input, question: ask() });
      this.#options.counts.granted++;
      return { token, tokenDer: this.tokenDer(token) };
    } catch (error) {
      return this.#refused(error);
    }
  }

  /** Refuses what is no request at all. */
  refuse(failInfo: PkiFailureInfo, text: string): Uint8Array {
    return this.toResponse(this.#refused(new TimeStampRefusal(failInfo, text)));
  }

  toResponse(outcome: Outcome): Uint8Array {
    return "refusal" in outcome
      ? timeStampResp.refused(outcome.refusal.failInfo, outcome.refusal.message)
      : timeStampResp.granted(outcome.tokenDer);
  }

  /** A token of the log, octet by octet as it was answered. */
  tokenDer({ unitKey, certificates, tstInfoDer, signedAttributesDer, signature }: StoredToken): Uint8Array {
    const certReq = certificates !== "none";
    const assembler = this.#options.units.assembler(unitKey, certificates);
    return assembler.token({ tstInfoDer, signedAttributesDer, signature, certReq });
  }

  #refused(error: unknown): { readonly refusal: TimeStampRefusal } {
    if (!(error instanceof TimeStampRefusal)) throw error;
    this.#options.counts[error.failInfo]++;
    this.#note(error);
    return { refusal: error };
  }

  #note({ failInfo, message }: TimeStampRefusal): void {
    const { clock, log } = this.#options;
    const nowMs = clock.monotonicMs();
    const last = this.#logged.get(failInfo);
    if (last !== undefined && nowMs - last.atMs < LOGGED_EVERY_MS) {
      last.passedOver++;
      return;
    }
    log.info("request refused", { failInfo, reason: message, passedOver: last?.passedOver ?? 0 });
    this.#logged.set(failInfo, { atMs: nowMs, passedOver: 0 });
  }
}
