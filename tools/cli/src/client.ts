import { isErrorCode, PkiError } from "@vcc-pki/errors";
import { ApprovalPending, Problem } from "@vcc-pki/gateway/api";
import { Agent, type Dispatcher, request } from "undici";
import type { Identity } from "./identity.ts";

/** What a zod schema of the gateway's api offers: bytes of the other side in, a checked value out. */
interface Shape<T> {
  parse(value: unknown): T;
}

type Query = Readonly<Record<string, string | number | undefined>>;

export interface Call<T> {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
  /** Sent as Idempotency-Key: a repeat with the same content returns the first answer. */
  readonly requestId?: string;
  readonly answer: Shape<T>;
}

/** The REST door. Every method throws PkiError: as the suite said it, PEER_UNAVAILABLE when it cannot be reached, and
 *  APPROVAL_REQUIRED (details.approvalId) for an answer 202. */
export interface Client {
  call<T>(call: Call<T>): Promise<T>;
  /** A body that is not JSON. */
  bytes(path: string, accept: string, query?: Query): Promise<Buffer>;
  /** A body that goes on until somebody stops it. */
  stream(path: string, accept: string, query: Query, signal: AbortSignal): Promise<AsyncIterable<Buffer>>;
  close(): Promise<void>;
}

type Answer = Awaited<ReturnType<typeof request>>;

const CONNECT_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 30_000;

/** TLS 1.3, our certificate, and no roots but the pinned ones. The server is checked by the host name in its certificate. */
export function createClient(server: string, { chainPem, keyPem, trustPem }: Identity): Client {
  const agent = new Agent({
    connect: {
      ca: trustPem,
      cert: chainPem,
      key: keyPem,
      minVersion: "TLSv1.3",
      timeout: CONNECT_TIMEOUT_MS,
    },
    headersTimeout: ANSWER_TIMEOUT_MS,
  });

  const send = async (path: string, query: Query, options: Partial<Dispatcher.RequestOptions>) => {
    const url = new URL(path, server);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const answer = await reach(url, { ...options, dispatcher: agent });
    if (answer.statusCode === 202) throw await pendingOf(answer);
    if (answer.statusCode >= 300) throw await refusalOf(answer);
    return answer;
  };

  return {
    async call({ method = "GET", path, query = {}, body, requestId, answer }) {
      const headers: Record<string, string> = { accept: "application/json" };
      if (body !== undefined) headers["content-type"] = "application/json";
      if (requestId !== undefined) headers["idempotency-key"] = requestId;
      const sent = body === undefined ? undefined : JSON.stringify(body);
      const response = await send(path, query, { method, headers, body: sent });
      return answer.parse(await response.body.json());
    },
    async bytes(path, accept, query = {}) {
      const response = await send(path, query, { method: "GET", headers: { accept } });
      return Buffer.from(await response.body.arrayBuffer());
    },
    async stream(path, accept, query, signal) {
      const response = await send(path, query, { method: "GET", headers: { accept }, bodyTimeout: 0, signal });
      return whole(response.body, new URL(server));
    },
    close: () => agent.close(),
  };
}

async function reach(url: URL, options: Parameters<typeof request>[1]): Promise<Answer> {
  try {
    return await request(url, options);
  } catch (error) {
    throw transportError(error, url);
  }
}

/** The chunks of a body; a connection that breaks is the suite's absence like any other. */
async function* whole(body: AsyncIterable<Buffer>, url: URL): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (error) {
    throw transportError(error, url);
  }
}

/** What Node says when the server's certificate does not convince it (OpenSSL's X509_V_ERR_*, and the host name). */
const UNTRUSTED = /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH)/;

/** No answer came. Whether the request arrived is not known, unless the server was not to be trusted with it. */
function transportError(error: unknown, url: URL): PkiError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (UNTRUSTED.test(code)) {
    return new PkiError("PEER_UNAVAILABLE", `${url.origin} is not trusted: ${code}`, { cause: error });
  }
  return new PkiError("PEER_UNAVAILABLE", `no answer from ${url.origin}: ${code || error}`, { cause: error });
}

async function pendingOf(answer: Answer): Promise<PkiError> {
  const { approval_id: approvalId, status_url: statusUrl, detail } = ApprovalPending.parse(await answer.body.json());
  return new PkiError("APPROVAL_REQUIRED", detail, { details: { approvalId, statusUrl } });
}

async function refusalOf(answer: Answer): Promise<PkiError> {
  const text = await answer.body.text();
  const parsed = Problem.safeParse(parseJson(text));
  if (!parsed.success || !isErrorCode(parsed.data.code)) {
    return new PkiError("INTERNAL", `unexpected answer ${answer.statusCode} of the server`, { cause: text });
  }
  const { code, detail, trace_id: traceId, details } = parsed.data;
  return new PkiError(code, detail, { details: { ...details, traceId } });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
