import { request } from "node:https";
import { PkiError } from "@vcc-pki/errors";
import type { AddressGuard } from "@vcc-pki/network";

export interface SendOptions {
  readonly guard: AddressGuard;
  /** PEM of the roots a receiver may have; the system's when absent. */
  readonly trustPem: string | undefined;
  readonly timeoutMs: number;
}

/** Posts a message and answers with the status: "204". What is no answer has a word of its own: "timeout", "unreachable", "untrusted", or why the address is refused
 *  ("loopback", "metadata", ...). Redirects are not followed, and of the answer nothing is read. Never rejects. */
export async function send(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  { guard, trustPem, timeoutMs }: SendOptions,
): Promise<string> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const { hostname, port, pathname, search } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, "");
    const [address = ""] = await guard.resolve(host, signal);
    return await new Promise<string>((resolve, reject) => {
      const post = request({
        ...{ host: address, port: port || 443, path: pathname + search, method: "POST", signal, agent: false },
        // The name that was asked for, whatever the address: for its certificate, and for virtual hosts.
        ...(host === address ? {} : { servername: host }),
        headers: {
          ...headers,
          host: port ? `${hostname}:${port}` : hostname,
          "content-length": Buffer.byteLength(body),
        },
        ...(trustPem === undefined ? {} : { ca: trustPem }),
        minVersion: "TLSv1.2",
      });
      post.once("response", (response) => {
        resolve(String(response.statusCode));
        response.destroy();
      });
      post.once("error", reject);
      post.end(body);
    });
  } catch (error) {
    return outcomeOf(error, signal);
  }
}

function outcomeOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return "timeout";
  if (error instanceof PkiError) return String((error.details as { reason?: string } | undefined)?.reason ?? "refused");
  const code = (error as NodeJS.ErrnoException).code ?? "";
  return /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO/.test(code) ? "untrusted" : "unreachable";
}

export const isDelivered = (outcome: string): boolean => /^2\d\d$/.test(outcome);

/** RFC 9110 section 15.5.11: it is gone, and wants no more. */
export const isGone = (outcome: string): boolean => outcome === "410";
