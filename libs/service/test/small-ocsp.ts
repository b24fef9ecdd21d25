import { PkiError } from "@vcc-pki/errors";
import { type RevokedPeer, StatusServiceDefinition, WatchResponse } from "@vcc-pki/proto/ocsp";
import { type IdentitySource, implement, type RpcServer, serve } from "@vcc-pki/rpc";
import { silentLogger } from "@vcc-pki/telemetry";
import { systemClock } from "@vcc-pki/time";
import type { Certificate } from "@vcc-pki/x509";

/** What is revoked, and everyone who watches: enough of an ocsp service to feed deny-lists, behind real mutual TLS. Each watcher first gets
 *  everything that is revoked, `pageSize` at a time, and then each change in its order. */
export class SmallOcsp {
  pageSize = 100;
  /** Breaks a stream off after so many messages of the list. */
  breakAfter = Number.POSITIVE_INFINITY;
  /** Watches that were begun. */
  watches = 0;
  readonly #revoked = new Map<string, RevokedPeer>();
  readonly #watchers = new Set<(message: WatchResponse) => void>();
  #server: RpcServer | undefined;

  async listen(identity: IdentitySource, port: number): Promise<void> {
    const callers = { get: [], watch: ["any-suite"] };
    const handlers = {
      get: async (): Promise<never> => {
        throw new PkiError("NOT_FOUND", "not here");
      },
      watch: (_request: unknown, { signal }: { readonly signal: AbortSignal }) => this.#watch(signal),
    };
    this.#server = await serve({
      ...{ host: "127.0.0.1", port, identity, services: [implement(DEFINITION, handlers, callers)] },
      ...{ mayForward: [], clock: systemClock, log: silentLogger },
    });
  }

  async close(): Promise<void> {
    await this.#server?.close(0);
    this.#server = undefined;
  }

  revoke(...peers: RevokedPeer[]): void {
    for (const peer of peers) this.#revoked.set(keyOf(peer), peer);
    this.send({ revoked: peers });
  }

  release(peer: RevokedPeer): void {
    if (!this.#revoked.delete(keyOf(peer))) throw new Error("only what is revoked can be released");
    this.send({ released: [peer] });
  }

  /** Any message to everyone, also one that makes no sense. */
  send(message: Partial<WatchResponse> & { readonly bytes?: Uint8Array }): void {
    for (const tell of this.#watchers) tell({ ...EMPTY, ...message });
  }

  async *#watch(signal: AbortSignal): AsyncGenerator<WatchResponse> {
    this.watches += 1;
    const pages = paged([...this.#revoked.values()], this.pageSize);
    const queue: WatchResponse[] = pages.map((revoked, i) => ({
      ...{ snapshot: i === 0, complete: i === pages.length - 1, revoked, released: [] },
    }));
    let wake = Promise.withResolvers<void>();
    const tell = (message: WatchResponse) => {
      queue.push(message);
      wake.resolve();
    };
    signal.addEventListener("abort", () => wake.resolve(), { once: true });
    this.#watchers.add(tell);
    try {
      let sent = 0;
      while (!signal.aborted) {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          yield next;
          sent += 1;
          if (sent >= this.breakAfter) throw new PkiError("PEER_UNAVAILABLE", "broken off");
        }
        await wake.promise;
        wake = Promise.withResolvers();
      }
    } finally {
      this.#watchers.delete(tell);
    }
  }
}

const EMPTY: WatchResponse = { snapshot: false, complete: false, revoked: [], released: [] };

const keyOf = ({ issuerKeyId, serialHex }: RevokedPeer): string => `${issuerKeyId}:${serialHex}`;

/** At least one page, if need be an empty one. */
function paged(peers: readonly RevokedPeer[], size: number): RevokedPeer[][] {
  const count = Math.max(1, Math.ceil(peers.length / size));
  return Array.from({ length: count }, (_, i) => peers.slice(i * size, (i + 1) * size));
}

/** The real service, except that a message may be bytes that are none. */
const DEFINITION = {
  ...StatusServiceDefinition,
  methods: {
    ...StatusServiceDefinition.methods,
    watch: {
      ...StatusServiceDefinition.methods.watch,
      responseType: {
        ...WatchResponse,
        encode: (message: WatchResponse & { readonly bytes?: Uint8Array }) =>
          message.bytes === undefined ? WatchResponse.encode(message) : { finish: () => message.bytes as Uint8Array },
      } as typeof WatchResponse,
    },
  },
} as const;

/** How ocsp names a certificate. */
export const peerOf = ({ serialHex, authorityKeyIdentifier, notAfter }: Certificate): RevokedPeer => ({
  ...{ authorityId: "vcc-platform-ca", serialHex, notAfter },
  issuerKeyId: Buffer.from(authorityKeyIdentifier ?? []).toString("hex"),
});
