import { PkiError } from "@vcc-pki/errors";

export interface PublicRequest {
  readonly url: string;
  readonly accept: string;
  /** Sent by POST. */
  readonly body?: { readonly type: string; readonly bytes: Uint8Array };
  readonly maxBytes: number;
}

const TIMEOUT_MS = 10_000;

/** What anybody may fetch, as relying parties do: plain HTTP without a certificate of ours, for what comes is signed. The URL is
 *  somebody else's word, so nothing but HTTP is spoken and no redirect followed. Throws PEER_UNAVAILABLE, or NOT_FOUND for a 404. */
export async function fetchPublic({ url, accept, body, maxBytes }: PublicRequest): Promise<Buffer> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw unavailable(`${url} is not a URL of HTTP`);
  let status: number;
  const chunks: Buffer[] = [];
  try {
    const { request } = await import("undici"); // not loaded by who stays offline
    const answer = await request(url, {
      method: body === undefined ? "GET" : "POST",
      headers: { accept, ...(body === undefined ? {} : { "content-type": body.type }) },
      body: body?.bytes,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    status = answer.statusCode;
    let received = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      received += chunk.length;
      if (received > maxBytes) throw unavailable(`the answer of ${url} has no end`);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof PkiError) throw cause;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw new PkiError("PEER_UNAVAILABLE", `no answer from ${url}: ${code}`, { cause });
  }
  if (status === 404) throw new PkiError("NOT_FOUND", `there is nothing at ${url}`);
  if (status !== 200) throw unavailable(`${url} answers ${status}`);
  return Buffer.concat(chunks);
}

const unavailable = (message: string): PkiError => new PkiError("PEER_UNAVAILABLE", message);
