import type { Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { PkiError } from "@vcc-pki/errors";
import type { AddressGuard } from "@vcc-pki/network";
import type { IdentitySource } from "@vcc-pki/rpc";
import type { Clock } from "@vcc-pki/time";
import { ConnectionError, connectTo } from "./connection.ts";
import { probeContext, shakeHands } from "./handshake.ts";
import { callHealth } from "./health-call.ts";
import type { HealthDialect, HealthReport } from "./health-dialect.ts";
import type { ServedCertificate } from "./served-certificate.ts";
import { type Judgement, judgeServed, type ProbeTrust } from "./verdict.ts";

export interface ProbeTarget {
  /** Host name or address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** "http": nobody expects TLS there. */
  readonly scheme: "https" | "http";
  /** For whom its certificate should be; undefined where nobody knows, as in a sweep. */
  readonly name?: string | undefined;
  /** Asked for after the handshake. */
  readonly health?: { readonly path: string; readonly dialect: HealthDialect } | undefined;
}

/** What was seen at one endpoint at one time. */
export interface Observation extends Judgement {
  readonly host: string;
  readonly port: number;
  /** "http": nobody expected TLS. */
  readonly scheme: ProbeTarget["scheme"];
  /** Where it was connected to; undefined: nowhere. */
  readonly address: string | undefined;
  /** Empty without TLS. */
  readonly protocol: string;
  readonly cipher: string;
  /** As served, the server's certificate first; empty without TLS. */
  readonly chain: readonly ServedCertificate[];
  /** undefined: it was not asked for, or there was nobody to ask. */
  readonly health: HealthReport | undefined;
  readonly at: Date;
}

export interface ProberOptions {
  readonly guard: AddressGuard;
  readonly trust: ProbeTrust;
  /** Shown to servers that ask for a certificate. */
  readonly identity?: IdentitySource | undefined;
  readonly clock: Clock;
  /** For names, connection, handshake and health call each. */
  readonly timeoutMs: number;
}

/** Looks at endpoints as a client does, believing nothing: a handshake tells what is served, and a health call how the service says it is. */
export class Prober {
  readonly #options: ProberOptions;
  #context: SecureContext;

  constructor(options: ProberOptions) {
    this.#options = options;
    const renew = () => probeContext(options.identity?.current());
    this.#context = renew();
    options.identity?.onChange(() => {
      this.#context = renew();
    });
  }

  /** 1 resolve once, within the guard · 2 connect to just that · 3 handshake · 4 judge · 5 health. Throws PROBE_REFUSED (see `AddressGuard`); that
   *  nobody is there is an observation. Throws PEER_UNAVAILABLE while nobody
   *  has said whom to trust, when all would look foreign. `signal` ends it early, as a timeout would. */
  async probe(target: ProbeTarget, signal?: AbortSignal): Promise<Observation> {
    const { guard, clock, trust } = this.#options;
    if (trust.anchors.length === 0) throw new PkiError("PEER_UNAVAILABLE", "the ca has not said whom to trust");
    const { host, port, scheme } = target;
    const addresses = await guard.resolve(host, this.#deadline(signal));
    const seen = { host, port, scheme, at: clock.now() };
    let socket: Socket;
    try {
      socket = await connectTo(addresses, port, this.#deadline(signal));
    } catch (error) {
      return { ...seen, ...withoutTls("unreachable", error), address: undefined, health: undefined };
    }
    const address = socket.remoteAddress;
    if (scheme === "http") {
      return {
        ...seen,
        ...withoutTls("plaintext", new ConnectionError("noTls")),
        address,
        health: await this.#health(socket, target, signal),
      };
    }
    return { ...seen, address, ...(await this.#overTls(socket, target, signal)) };
  }

  async #overTls(socket: Socket, target: ProbeTarget, signal?: AbortSignal): Promise<Served> {
    const { trust, clock } = this.#options;
    try {
      const served = await shakeHands(socket, {
        context: this.#context,
        serverName: target.name ?? target.host,
        signal: this.#deadline(signal),
      });
      const judgement = judgeServed({ ...served, name: target.name, trust, at: clock.now() });
      const { protocol, cipher, chain } = served;
      return { ...judgement, protocol, cipher, chain, health: await this.#health(served.socket, target, signal) };
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      return { ...withoutTls(error.fault === "noTls" ? "plaintext" : "unreachable", error), health: undefined };
    }
  }

  async #health(connection: Socket, { host, port, name, health }: ProbeTarget, signal?: AbortSignal) {
    if (health !== undefined)
      return callHealth(connection, { ...health, host: name ?? host, port, signal: this.#deadline(signal) });
    connection.destroy();
    return undefined;
  }

  #deadline(signal?: AbortSignal): AbortSignal {
    const timeout = AbortSignal.timeout(this.#options.timeoutMs);
    return signal ? AbortSignal.any([signal, timeout]) : timeout;
  }
}

type Served = Omit<Observation, "host" | "port" | "scheme" | "at" | "address">;

function withoutTls(verdict: "unreachable" | "plaintext", error: unknown): Omit<Served, "health"> {
  if (!(error instanceof ConnectionError)) throw error;
  return {
    ...{ verdict, reason: error.fault, detail: DETAILS[error.fault], isOurs: false, stapled: "none" },
    ...{ protocol: "", cipher: "", chain: [] },
  };
}

const DETAILS: Readonly<Record<ConnectionError["fault"], string>> = {
  refused: "nobody listens there",
  noRoute: "there is no way to it",
  timeout: "it does not answer",
  closed: "it closes the connection",
  noTls: "it answers, without TLS",
  protocolVersion: "it speaks neither TLS 1.3 nor 1.2",
  handshakeFailed: "the handshake fails",
  handshakeTimeout: "it accepts connections, and does not finish the handshake",
  clientCertificateRefused: "it wants another client certificate than ours",
};
