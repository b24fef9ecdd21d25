import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Why nobody is reached, or no TLS is spoken. The words are stable. */
export type ConnectionFault =
  | "refused"
  | "noRoute"
  | "timeout"
  | "closed"
  | "noTls"
  | "protocolVersion"
  | "handshakeFailed"
  | "handshakeTimeout"
  | "clientCertificateRefused";

export class ConnectionError extends Error {
  readonly fault: ConnectionFault;

  constructor(fault: ConnectionFault, cause?: unknown) {
    super(fault, { cause });
    this.fault = fault;
  }
}

const FAULTS: Readonly<Record<string, ConnectionFault>> = {
  ECONNREFUSED: "refused",
  EHOSTUNREACH: "noRoute",
  ENETUNREACH: "noRoute",
  EADDRNOTAVAIL: "noRoute",
  EACCES: "noRoute",
  ETIMEDOUT: "timeout",
  ECONNRESET: "closed",
  EPIPE: "closed",
};

/** Connects to the first of these addresses that answers. They are connected to as they are: see `AddressGuard.resolve`. `signal` ends it all.
 *  Throws ConnectionError. */
export async function connectTo(addresses: readonly string[], port: number, signal: AbortSignal): Promise<Socket> {
  let last: unknown;
  for (const host of addresses) {
    // `lookup` is never asked for an address; should it ever be, it fails.
    const socket = connect({ host, port, lookup: (_host, _options, done) => done(new Error("no lookups"), "") });
    // Whoever uses it hears of its end by "close".
    socket.on("error", () => {});
    try {
      await once(socket, "connect", { signal });
      return socket;
    } catch (error) {
      socket.destroy();
      last = error;
      if (signal.aborted) throw new ConnectionError("timeout", error);
    }
  }
  throw new ConnectionError(FAULTS[(last as NodeJS.ErrnoException)?.code ?? ""] ?? "refused", last);
}
