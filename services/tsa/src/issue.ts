import { PkiError, toPkiError } from "@vcc-pki/errors";
import type { RequestKey } from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import { serialToHex, TimeStampRefusal, type TimeStampReq } from "@vcc-pki/x509";
import type { ProvenTime } from "./clock/index.ts";
import type { UnitConfig } from "./config.ts";
import type { Metrics } from "./metrics.ts";
import { verifyOwnToken } from "./own-token.ts";
import type { SerialSource } from "./serial.ts";
import type { RequestTable } from "./store/requests.ts";
import type { CertificatesInToken, LoggedToken, StoredToken, TokenTable } from "./store/tokens.ts";
import type { Summary } from "./summary.ts";
import type { TimeSource } from "./time-source.ts";
import type { UnitKey, Units } from "./units.ts";

export interface IssueInput {
  readonly question: TimeStampReq;
  /** Empty: the first unit that has the policy. It must exist otherwise. */
  readonly unit: string;
  /** Whose token it is. */
  readonly organisation: string;
  /** Of a caller within the suite; undefined over HTTP, where a repeat is a request of its own. */
  readonly request: RequestKey | undefined;
}

export interface IssuanceOptions {
  readonly store: Store;
  readonly tokens: TokenTable;
  readonly requests: RequestTable;
  readonly units: Units;
  readonly time: TimeSource;
  readonly serials: SerialSource;
  readonly summary: Summary;
  readonly onDeadKey: (unitKey: number) => void;
  /** Tokens in the making at once. */
  readonly maxWaiting: number;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** The issuance of time-stamp tokens (RFC 3161). Whoever has a token has it from the log: what is lost on the way to it was answered to
 *  nobody, and shows in the hsm-gateway's ledger as a signature under a serial number that no token has. */
export class Issuance {
  readonly #tsa: IssuanceOptions;
  #waiting = 0;
  /** Codes of the last failures, so that an outage is logged once. */
  #failure: string | undefined;

  constructor(options: IssuanceOptions) {
    this.#tsa = options;
  }

  /** The token as it is in the log. Rejects with a TimeStampRefusal, of which systemFailure stands for whatever may be otherwise next time;
   *  with REQUEST_ID_REUSED when the request id was for something else. */
  async issue(input: IssueInput): Promise<StoredToken> {
    const earlier = this.#findEarlier(input.request);
    if (earlier !== undefined) return earlier;
    if (this.#waiting >= this.#tsa.maxWaiting) throw new TimeStampRefusal("systemFailure", "too much to do: ask again");
    this.#waiting++;
    try {
      const token = await this.#issue(input);
      this.#failure = undefined;
      return token;
    } catch (error) {
      if (error instanceof TimeStampRefusal) throw error;
      if (toPkiError(error).code === "REQUEST_ID_REUSED") throw error;
      this.#report(error);
      throw new TimeStampRefusal("systemFailure", "the token could not be made: ask again");
    } finally {
      this.#waiting--;
    }
  }

  async #issue({ question, unit: name, organisation, request }: IssueInput): Promise<StoredToken> {
    const { messageImprint, reqPolicy, nonce, certReq } = question;
    // 1 policy, and the unit that has it
    const unit = this.#tsa.units.choose(name, reqPolicy);
    if (unit === undefined) throw new TimeStampRefusal("unacceptedPolicy", `policy ${reqPolicy} is not one of ours`);
    const policy = reqPolicy ?? (unit.policies[0] as string);
    // 2 the time, if it is proven
    const { genTime, evidenceId } = await this.#timeFor(unit);
    const key = this.#tsa.units.keyFor(unit.name, genTime);
    if (typeof key === "string") throw new TimeStampRefusal("systemFailure", `the unit does not sign now: ${key}`);
    const template = key.templates.get(policy);
    if (template === undefined) throw new Error("a unit without template for its policy");
    // 3 serial number
    const serial = this.#tsa.serials.next();
    // 4 TSTInfo, and the attributes over it
    const tstInfoDer = template.tstInfo({ messageImprint, serial, genTime, nonce });
    const signedAttributesDer = template.signedAttributes(tstInfoDer);
    // 5 signature, under the serial number as request id
    const signature = await this.#sign(key, signedAttributesDer, serial);
    // 6 what was made is looked at
    await verifyOwnToken(
      { tstInfoDer, signedAttributesDer, signature },
      { serial, policy, messageImprint, nonce },
      key,
    );
    // 7 the log, on disk before anybody has the token
    const { hash, digest } = messageImprint;
    const certificates: CertificatesInToken = certReq ? unit.certificates : "none";
    const made = { organisation, serial, hash, digest, policy, unitKey: key.unitKey, genTime, evidenceId };
    return this.#log({ ...made, tstInfoDer, signedAttributesDer, signature, certificates }, unit.name, request);
  }

  #findEarlier(request: RequestKey | undefined): StoredToken | undefined {
    const row = request && this.#tsa.requests.findToken(request);
    return row === undefined ? undefined : this.#getLogged(row);
  }

  async #timeFor(unit: UnitConfig): Promise<ProvenTime> {
    const time = await this.#tsa.time.timeFor(unit);
    if ("unavailable" in time)
      throw new TimeStampRefusal("timeNotAvailable", `the time cannot be proven: ${time.unavailable}`);
    return time;
  }

  async #sign({ signer, unitKey }: UnitKey, signedAttributesDer: Uint8Array, serial: Uint8Array): Promise<Uint8Array> {
    try {
      return await signer.sign({ $case: "cmsSignedAttributes", value: signedAttributesDer }, serialToHex(serial));
    } catch (error) {
      const { code } = toPkiError(error);
      if (code === "KEY_NOT_ACTIVE" || code === "NOT_FOUND") this.#tsa.onDeadKey(unitKey);
      throw error;
    }
  }

  async #log(made: LoggedToken, unit: string, request: RequestKey | undefined): Promise<StoredToken> {
    const { store, tokens, requests, summary } = this.#tsa;
    const work = () => {
      // The same request twice at once: the first to get here is answered to both.
      const earlier = request && requests.findToken(request);
      if (earlier !== undefined) return { token: earlier, isNew: false };
      const token = tokens.insert(made);
      if (request !== undefined) requests.insert(request, token);
      return { token, isNew: true };
    };
    const { token, isNew } = await store.write(work, { checksFirst: true });
    if (!isNew) return this.#getLogged(token);
    const logged = { ...made, token };
    summary.add(logged, unit);
    return logged;
  }

  #getLogged(row: number): StoredToken {
    const logged = this.#tsa.tokens.find(row);
    if (logged === undefined) throw new PkiError("NOT_FOUND", "the token of this request is no longer kept");
    return logged;
  }

  #report(error: unknown): void {
    const { code } = toPkiError(error);
    this.#tsa.metrics.failures.add(1, { code });
    if (this.#failure !== code) this.#tsa.log.error("tokens cannot be made", { error });
    this.#failure = code;
  }
}
