import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { PkiError } from "@vcc-pki/errors";

/** One request without a body. Resolves with any 2xx; rejects with RELOAD_FAILED otherwise, a redirect included. The answer is not read. */
export function knockHttp(url: URL, method: string, timeoutMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (why: string, cause?: unknown) =>
    reject(new PkiError("RELOAD_FAILED", `${method} ${url.origin}${url.pathname} ${why}`, { cause }));
  const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, { method, agent: false });
  const timer = setTimeout(() => {
    fail(`took longer than ${timeoutMs} ms`);
    request.destroy();
  }, timeoutMs);
  request.once("response", (response) => {
    clearTimeout(timer);
    const { statusCode = 0 } = response;
    if (statusCode >= 200 && statusCode < 300) resolve();
    else fail(`answered ${statusCode}`);
    response.destroy();
  });
  request.once("error", (error) => {
    clearTimeout(timer);
    fail(`failed: ${error.message}`, error);
  });
  request.end();
  return promise;
}
