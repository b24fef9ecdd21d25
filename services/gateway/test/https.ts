import { request as httpsRequest } from "node:https";
import type { ConnectionOptions } from "node:tls";
import { expect } from "vitest";

/** A key and certificate of somebody who knocks, and the roots they trust. */
export interface Knocker {
  readonly keyPem: string;
  readonly chainPem: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly text: string;
  /** The body as JSON. */
  json(): Record<string, unknown>;
}

export interface Knock {
  readonly port: number;
  readonly trustPem: string;
  readonly as?: Knocker;
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: string | Buffer | object;
  readonly tls?: ConnectionOptions;
}

/** One request on a connection of its own over real TLS. Rejects when the handshake fails. */
export function knock({ port, trustPem, as, method, path, headers = {}, body, tls }: Knock): Promise<Answer> {
  const isJson = typeof body === "object" && !Buffer.isBuffer(body);
  const sent = isJson ? JSON.stringify(body) : body;
  const contentType = isJson ? { "content-type": "application/json" } : {};
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: "localhost",
        port,
        path,
        method: method ?? (body === undefined ? "GET" : "POST"),
        headers: { ...contentType, ...headers },
        ca: trustPem,
        key: as?.keyPem,
        cert: as?.chainPem,
        agent: false,
        ...tls,
      },
      async (response) => {
        const chunks: Buffer[] = [];
        try {
          for await (const chunk of response) chunks.push(chunk);
        } catch (error) {
          return reject(error);
        }
        const received = Buffer.concat(chunks);
        const text = received.toString("utf8");
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: received,
          text,
          json: () => JSON.parse(text),
        });
      },
    );
    request.on("error", reject);
    request.end(sent);
  });
}

/** Status and code of a refusal, which is a problem (RFC 9457). */
export async function refused(answer: Promise<Answer>): Promise<[status: number, code: unknown]> {
  const { status, headers, json } = await answer;
  expect(headers["content-type"]).toContain("application/problem+json");
  return [status, json().code];
}
