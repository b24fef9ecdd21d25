import { request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { PkiError } from "@vcc-pki/errors";

/** A cluster of some thousand services has some MiB. */
const MAX_BODY_OCTETS = 16 * 1024 * 1024;

/** Where an API of the operator's is: one that the configuration names, not a target of probes. */
export type ApiAddress =
  | { readonly socketPath: string }
  | { readonly url: URL /** PEM of the roots its certificate leads to, for https. */; readonly trustPem: string };

/** One GET of JSON, bounded in octets and by `signal`; no redirects. Throws PEER_UNAVAILABLE for everything but 200 and JSON. */
export async function getJson(
  address: ApiAddress,
  path: string,
  { signal, token }: { readonly signal: AbortSignal; readonly token?: string },
): Promise<unknown> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const options: RequestOptions = {
    path,
    signal,
    agent: false,
    headers: { accept: "application/json", host: "localhost", ...authorization },
  };
  try {
    const body = await new Promise<string>((resolve, reject) => {
      const call = start(address, options);
      call.on("error", reject);
      call.on("response", (response) => {
        const chunks: Buffer[] = [];
        let octets = 0;
        response.on("data", (chunk: Buffer) => {
          octets += chunk.length;
          chunks.push(chunk);
          if (octets > MAX_BODY_OCTETS) response.destroy(new Error("the answer is too long"));
        });
        response.on("error", reject);
        response.on("end", () =>
          response.statusCode === 200
            ? resolve(Buffer.concat(chunks).toString("utf8"))
            : reject(new Error(`HTTP ${response.statusCode}`)),
        );
      });
      call.end();
    });
    return JSON.parse(body);
  } catch (cause) {
    throw new PkiError("PEER_UNAVAILABLE", `${nameOf(address)} does not answer as it should`, { cause });
  }
}

function start(address: ApiAddress, options: RequestOptions) {
  if ("socketPath" in address) return httpRequest({ ...options, socketPath: address.socketPath });
  const { hostname, port, protocol, host } = address.url;
  const at = { ...options, hostname: hostname.replace(/^\[|\]$/g, ""), port, headers: { ...options.headers, host } };
  if (protocol === "http:") return httpRequest(at);
  return httpsRequest({ ...at, ca: address.trustPem, minVersion: "TLSv1.2" });
}

const nameOf = (address: ApiAddress): string => ("socketPath" in address ? address.socketPath : address.url.host);
