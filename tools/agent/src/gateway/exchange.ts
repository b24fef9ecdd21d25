import type { IncomingMessage } from "node:http";
import { type Agent, request } from "node:https";
import { PkiError } from "@vcc-pki/errors";

export interface Exchange {
  readonly url: URL;
  readonly agent: Agent;
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** When the server says it answered; undefined when it does not. */
  readonly date: Date | undefined;
}

/** The roots, open to everybody. */
export const BUNDLE_PATH = "/api/v1/trust/bundle";

const ANSWER_TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/** One request and its whole answer. Rejects with PEER_UNAVAILABLE when none comes; `cause` is what Node says. */
export async function exchange(question: Exchange): Promise<Answer> {
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  const response = await send({ ...question, signal });
  let text = "";
  try {
    response.setEncoding("utf8");
    for await (const chunk of response) {
      text += chunk;
      if (text.length > MAX_ANSWER_BYTES) throw new Error("the answer does not end");
    }
  } catch (cause) {
    throw unavailable(question.url, cause);
  }
  return { status: response.statusCode ?? 0, text, date: dateOf(response) };
}

/** One request; the body of the answer is the caller's to read. */
export function send({ url, agent, method = "GET", headers = {}, body, signal }: Exchange): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const type =
    sent === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(sent) };
  const outgoing = request(url, {
    agent,
    method,
    signal,
    headers: { accept: "application/json", ...type, ...headers },
  });
  outgoing.once("response", resolve);
  outgoing.once("error", (cause) => reject(unavailable(url, cause)));
  outgoing.end(sent);
  return promise;
}

export function unavailable(url: URL, cause: unknown): PkiError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
  return new PkiError("PEER_UNAVAILABLE", `no answer from ${url.origin}: ${code}`, { cause });
}

/** When the server says it answered; undefined when it does not. */
export function dateOf({ headers }: IncomingMessage): Date | undefined {
  const date = new Date(headers.date ?? "");
  return Number.isNaN(date.getTime()) ? undefined : date;
}
