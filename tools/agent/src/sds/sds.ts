import { PkiError } from "@vcc-pki/errors";
import type { DiscoveryRequest, DiscoveryResponse } from "@vcc-pki/proto/envoy-discovery";
import { SecretDiscoveryServiceDefinition } from "@vcc-pki/proto/envoy-sds";
import { type SocketHandlers, type SocketServer, serveSocket } from "@vcc-pki/rpc";
import type { Logger } from "@vcc-pki/telemetry/log";
import { Wakeup } from "@vcc-pki/time";
import type { Secrets } from "./secrets.ts";

const SECRET_TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
/** Names in one request; Envoy asks for one or two. */
const MAX_NAMES = 1_000;

/** Serves envoy.service.secret.v3.SecretDiscoveryService on a Unix socket. Throws CONFIG_INVALID. */
export function openSds(path: string, mode: number, secrets: Secrets, log: Logger): Promise<SocketServer> {
  const definition = SecretDiscoveryServiceDefinition;
  return serveSocket({ path, mode, definition, handlers: sdsHandlers(secrets, log), log });
}

/** State of the world, as the xDS protocol has it: an answer holds every secret that was asked for and that there is; the next one comes when
 *  one of them changes or other names are asked for. A secret that there is not yet is waited for. */
export function sdsHandlers(secrets: Secrets, log: Logger): SocketHandlers<typeof SecretDiscoveryServiceDefinition> {
  return {
    async *streamSecrets(requests, { signal }) {
      const subscription = new Subscription(secrets, log);
      const wakeup = new Wakeup();
      const stopWatching = secrets.onChange(() => wakeup.wake());
      const reading = (async () => {
        for await (const request of requests) {
          subscription.take(request);
          wakeup.wake();
        }
      })();
      let ended: { readonly error?: unknown } | undefined;
      reading.then(
        () => {
          ended = {};
          wakeup.wake();
        },
        (error) => {
          ended = { error };
          wakeup.wake();
        },
      );
      signal.addEventListener("abort", () => wakeup.wake(), { once: true });
      try {
        while (!signal.aborted && !ended) {
          const answer = subscription.next();
          if (answer) yield answer;
          else await wakeup.sleep();
        }
        if (ended?.error) throw ended.error;
      } finally {
        stopWatching();
      }
    },
    async fetchSecrets(request) {
      const subscription = new Subscription(secrets, log);
      subscription.take(request);
      const answer = subscription.next();
      if (answer === undefined) throw new PkiError("NOT_FOUND", "there is no such secret");
      return answer;
    },
  };
}

/** What one stream has asked for, and was sent. */
class Subscription {
  readonly #secrets: Secrets;
  readonly #log: Logger;
  #names: readonly string[] = [];
  #sent = "";
  #nonce = 0;

  constructor(secrets: Secrets, log: Logger) {
    this.#secrets = secrets;
    this.#log = log;
  }

  take({ typeUrl, resourceNames, responseNonce, errorDetail, node }: DiscoveryRequest): void {
    if (typeUrl !== "" && typeUrl !== SECRET_TYPE)
      throw new PkiError("REQUEST_MALFORMED", "only secrets are served here");
    if (resourceNames.length > MAX_NAMES) throw new PkiError("REQUEST_TOO_LARGE", "too many names at once");
    // What is said of an older answer than the last is out of date.
    if (responseNonce !== "" && responseNonce !== String(this.#nonce)) return;
    const about = { node: node?.id, names: resourceNames };
    if (errorDetail) this.#log.warn("envoy refused a secret", { ...about, reason: errorDetail.message.slice(0, 500) });
    else if (responseNonce !== "") this.#log.debug("envoy took a secret", about);
    if (resourceNames.join("\n") !== this.#names.join("\n")) this.#sent = "";
    this.#names = resourceNames;
  }

  /** What has to be sent; undefined while the last answer is still right. */
  next(): DiscoveryResponse | undefined {
    const found = this.#names.flatMap((name) => this.#secrets.find(name) ?? []);
    const versionInfo = found.map(({ version }) => version).join("-");
    if (found.length === 0 || versionInfo === this.#sent) return undefined;
    this.#sent = versionInfo;
    this.#nonce += 1;
    return {
      versionInfo,
      resources: found.map(({ bytes }) => ({ typeUrl: SECRET_TYPE, value: bytes })),
      typeUrl: SECRET_TYPE,
      nonce: String(this.#nonce),
    };
  }
}
