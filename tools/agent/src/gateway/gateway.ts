import { Agent } from "node:https";
import { PkiError } from "@vcc-pki/errors";
import type { Clock } from "@vcc-pki/time";
import type { Report } from "../state.ts";
import { isClockToBlame, requireSameTime } from "./clock-check.ts";
import { readEvents, type StreamedEvent } from "./event-stream.ts";
import { type Answer, BUNDLE_PATH, type Exchange, exchange, send, unavailable } from "./exchange.ts";
import { rootsOnly } from "./roots.ts";
import { Enrolled, Problem, Requested } from "./wire.ts";

/** What stands for the agent before it has a certificate. */
export interface Attestation {
  readonly kind: "token" | "kubernetes";
  readonly token: string;
}

/** The REST door, as one identity sees it: verified TLS 1.3 under the roots given, and no others. Everything rejects with a PkiError: as the
 *  suite said it, PEER_UNAVAILABLE when it cannot be reached, CLOCK_WRONG when time is why. */
export interface Gateway {
  /** PEM of the roots. Rejects with CLOCK_WRONG when the gateway's clock and ours differ: ask it before anything that depends on time. */
  bundle(): Promise<string>;
  enrol(attestation: Attestation, csrPem: string, requestId: string): Promise<Enrolled>;
  /** Asks administrators; the names are those of the CSR. */
  requestEnrolment(organisation: string, service: string, csrPem: string): Promise<Requested>;
  /** Undefined while administrators have not decided. */
  claim(requestId: string, secret: string): Promise<Enrolled | undefined>;
  renew(csrPem: string, requestId: string): Promise<Enrolled>;
  /** For a service that this identity's agent looks after. */
  provision(service: string, csrPem: string, requestId: string): Promise<Enrolled>;
  report(events: readonly Report[]): Promise<void>;
  /** What the gateway has to say, until it or `signal` ends the stream. */
  watch(lastEventId: string | undefined, signal: AbortSignal): AsyncGenerator<StreamedEvent>;
  close(): void;
}

export interface GatewayOptions {
  /** Origin: "https://pki.example:8443". */
  readonly server: string;
  readonly bundlePem: string;
  /** The identity that calls; none before enrolment. */
  readonly identity?: { readonly chainPem: string; readonly keyPem: string };
  readonly clock: Clock;
}

const EVENT_STREAM = "text/event-stream";
/** The gateway says something every fifteen seconds. */
const SILENCE_MS = 45_000;

export function openGateway({ server, bundlePem, identity, clock }: GatewayOptions): Gateway {
  const origin = new URL(server);
  const { chainPem: cert, keyPem: key } = identity ?? {};
  const agent = new Agent({ ca: bundlePem, cert, key, minVersion: "TLSv1.3", keepAlive: true, maxCachedSessions: 0 });

  async function call(path: string, body?: unknown): Promise<Answer> {
    const method = body === undefined ? "GET" : "POST";
    const answer = await reach(exchange, { url: new URL(path, origin), agent, method, body });
    if (answer.status >= 300) throw refusalOf(answer.status, answer.text);
    return answer;
  }

  /** `work`, and when TLS refuses the server for reasons of time, who is to blame. */
  async function reach<T>(work: (question: Exchange) => Promise<T>, question: Exchange): Promise<T> {
    try {
      return await work(question);
    } catch (error) {
      throw isAboutTime(error) ? ((await isClockToBlame(origin, bundlePem, clock)) ?? error) : error;
    }
  }

  const enrolledBy = async (path: string, body: unknown): Promise<Enrolled> => parse(Enrolled, await call(path, body));

  return {
    async bundle() {
      const { text, date } = await call(BUNDLE_PATH);
      requireSameTime(date, clock);
      return rootsOnly(text);
    },
    enrol: (attestation, csr, request_id) => enrolledBy("/api/v1/enrol", { attestation, csr, request_id }),
    async requestEnrolment(organisation, service, csr) {
      return parse(Requested, await call("/api/v1/enrol/requests", { organisation, service, csr }));
    },
    async claim(id, secret) {
      const answer = await call(`/api/v1/enrol/requests/${encodeURIComponent(id)}/claim`, { secret });
      return answer.status === 202 ? undefined : parse(Enrolled, answer);
    },
    renew: (csr, request_id) => enrolledBy("/api/v1/agent/renew", { csr, request_id }),
    provision: (service, csr, request_id) => enrolledBy("/api/v1/agent/provision", { service, csr, request_id }),
    async report(events) {
      await call("/api/v1/agent/report", { events });
    },
    async *watch(lastEventId, signal) {
      const url = new URL("/api/v1/agent/watch", origin);
      const headers: Record<string, string> = { accept: EVENT_STREAM };
      if (lastEventId !== undefined) headers["last-event-id"] = lastEventId;
      const response = await reach(send, { url, agent, headers, signal });
      response.socket.setTimeout(SILENCE_MS, () => response.destroy(new Error("the stream is silent")));
      const status = response.statusCode ?? 0;
      if (status !== 200) {
        response.resume();
        throw refusalOf(status, "");
      }
      try {
        yield* readEvents(response);
      } catch (cause) {
        throw unavailable(url, cause);
      } finally {
        response.destroy();
      }
    },
    close: () => agent.destroy(),
  };
}

/** OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_CERT_NOT_YET_VALID, of which Node makes codes. */
function isAboutTime(error: unknown): boolean {
  const cause = error instanceof PkiError ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID";
}

function parse<T>(shape: { parse(value: unknown): T }, { text }: Answer): T {
  try {
    return shape.parse(JSON.parse(text));
  } catch (cause) {
    throw new PkiError("INTERNAL", "the gateway's answer is not what an agent understands", { cause });
  }
}

function refusalOf(status: number, text: string): PkiError {
  const problem = Problem.safeParse(parseJson(text));
  if (problem.success) return new PkiError(problem.data.code, problem.data.detail);
  const code = status === 401 ? "CALLER_UNAUTHENTICATED" : status >= 500 ? "PEER_UNAVAILABLE" : "INTERNAL";
  return new PkiError(code, `the gateway answered ${status}`, { cause: text.slice(0, 500) });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
