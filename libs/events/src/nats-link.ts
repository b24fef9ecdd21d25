import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import type { Logger } from "@vcc-pki/telemetry";
import { ensureStream } from "./nats-stream.ts";

/** Key and certificates for mutual TLS; `onChange` is called when `current` has new ones. */
export interface BusIdentity {
  current(): { readonly keyPem: string; readonly chainPem: string; readonly trustPem: string };
  onChange(listener: () => void): () => void;
}

export interface NatsOptions {
  /** "host:port" of each server of the cluster. */
  readonly servers: readonly string[];
  readonly identity: BusIdentity;
  /** Checks who the server is by its leaf certificate, in DER, after its chain has been verified: returns the error. Without it the
   *  certificate must name the host. */
  readonly verifyServer?: (leafDer: Uint8Array) => Error | undefined;
  /** Name of the connection in the server's monitoring. */
  readonly name: string;
  readonly log: Logger;
  /** Copies of the stream; 3 in a cluster. */
  readonly replicas?: number;
}

const RETRY_MIN_MS = 200;
const RETRY_MAX_MS = 1_000;

const jitter = () => RETRY_MIN_MS + Math.random() * (RETRY_MAX_MS - RETRY_MIN_MS);

/** A connection that is kept for ever. It is up while the server answers and the stream exists. */
export class NatsLink {
  readonly #options: NatsOptions;
  readonly #listeners = new Set<() => void>();
  readonly #waiting = new Set<(error: Error) => void>();
  readonly #closing = new AbortController();
  readonly #stopWatching: () => void;
  readonly #kept: Promise<void>;
  #connection: NatsConnection | undefined;
  #up = false;
  #outages = 0;

  constructor(options: NatsOptions) {
    this.#options = options;
    // A new identity is shown from the next handshake on, so there has to be one.
    this.#stopWatching = options.identity.onChange(() => void this.#connection?.reconnect().catch(() => {}));
    this.#kept = this.#keep();
  }

  /** The connection while it is up. */
  get up(): NatsConnection | undefined {
    return this.#up ? this.#connection : undefined;
  }

  onUp(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Waits for the connection to be up. Rejects when `signal` aborts. */
  whenUp(signal: AbortSignal): Promise<NatsConnection> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        const connection = this.up;
        if (!signal.aborted && connection === undefined) return;
        stop();
        signal.removeEventListener("abort", settle);
        if (connection === undefined) reject(signal.reason);
        else resolve(connection);
      };
      const stop = this.onUp(settle);
      signal.addEventListener("abort", settle);
      settle();
    });
  }

  /** Settles like `answer`, but rejects as soon as the connection is lost: the client would wait for its timeout. */
  whileUp<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      answer.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#stopWatching();
    this.#fall();
    await this.#connection?.close();
    await this.#kept;
  }

  async #keep(): Promise<void> {
    const { log, servers, name } = this.#options;
    while (!this.#closing.signal.aborted) {
      try {
        this.#connection = await connect({
          ...{
            servers: [...servers],
            name,
            tls: this.#tls(),
            timeout: 5_000,
            pingInterval: 20_000,
            noAsyncTraces: true,
          },
          ...{ maxReconnectAttempts: -1, ignoreAuthErrorAbort: true, reconnectDelayHandler: jitter },
        });
      } catch (error) {
        log.warn("bus cannot be reached", { servers, error });
        await this.#pause();
        continue;
      }
      if (this.#closing.signal.aborted) await this.#connection.close();
      else await this.#follow(this.#connection);
    }
  }

  /** The client reads these anew for each handshake, so that a reconnection shows the newest identity. */
  #tls() {
    const { identity, verifyServer } = this.#options;
    const checkServerIdentity = (_host: string, { raw }: { raw: Uint8Array }) => verifyServer?.(raw);
    return {
      get key() {
        return identity.current().keyPem;
      },
      get cert() {
        return identity.current().chainPem;
      },
      get ca() {
        return identity.current().trustPem;
      },
      minVersion: "TLSv1.3",
      ...(verifyServer ? { checkServerIdentity } : {}),
    };
  }

  /** Resolves when the connection is closed for good. */
  async #follow(connection: NatsConnection): Promise<void> {
    const { log } = this.#options;
    void this.#raise(connection);
    for await (const status of connection.status()) {
      if (status.type === "disconnect") {
        this.#fall();
        log.warn("bus disconnected", { server: status.server });
      } else if (status.type === "reconnect") {
        void this.#raise(connection);
      } else if (status.type === "error") {
        log.warn("bus refused something", { error: status.error });
      }
    }
    this.#fall();
  }

  #fall(): void {
    this.#up = false;
    this.#outages++;
    for (const reject of this.#waiting) reject(new Error("the connection was lost"));
    this.#waiting.clear();
  }

  async #raise(connection: NatsConnection): Promise<void> {
    const { log, replicas = 1 } = this.#options;
    const outages = this.#outages;
    while (this.#outages === outages && !this.#closing.signal.aborted) {
      try {
        await ensureStream(connection, replicas);
        if (this.#outages !== outages) return;
        this.#up = true;
        log.info("bus connected", { server: connection.getServer() });
        for (const listener of this.#listeners) listener();
        return;
      } catch (error) {
        log.warn("bus is not ready", { error });
        await this.#pause();
      }
    }
  }

  async #pause(): Promise<void> {
    await sleep(jitter(), undefined, { signal: this.#closing.signal }).catch(() => {});
  }
}
