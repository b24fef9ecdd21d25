import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";

/** What HTTP/2 begins with: the preface and an empty SETTINGS frame (RFC 9113 section 3.4). */
const PREFACE = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from("000000040000000000", "hex"),
]);

export interface Attempt {
  /** Whether the server has spoken HTTP/2 with us; under TLS 1.3 it refuses only after the client is satisfied. */
  readonly accepted: boolean;
  readonly session: Buffer | undefined;
  /** Whether the server took up the session it was offered. */
  readonly reused: boolean;
  readonly protocol: string | null;
  /** What the server presented. */
  readonly serverCertificateDer: Buffer | undefined;
}

/** Connects with exactly these TLS options and sees what comes of it. Waits for the ticket of a server that is said to have them,
 *  and for a moment in case one has them that should not. */
export async function attempt(port: number, options: ConnectionOptions, hasTickets = false): Promise<Attempt> {
  const socket = connect({
    host: "127.0.0.1",
    port,
    ALPNProtocols: ["h2"],
    checkServerIdentity: () => undefined,
    ...options,
  });
  let session: Buffer | undefined;
  socket.on("session", (ticket: Buffer) => {
    session = ticket;
  });
  socket.on("error", () => {});
  socket.once("secureConnect", () => socket.write(PREFACE));
  const accepted = await Promise.race([
    first(socket, "data").then(() => true),
    first(socket, "close").then(() => false),
  ]);
  if (accepted && session === undefined)
    await Promise.race([first(socket, "session"), ...(hasTickets ? [] : [soon()])]);
  const serverCertificateDer = socket.getPeerX509Certificate()?.raw;
  const result = {
    accepted,
    session,
    reused: socket.isSessionReused(),
    protocol: socket.getProtocol(),
    serverCertificateDer,
  };
  socket.destroy();
  return result;
}

const first = (socket: TLSSocket, event: string): Promise<void> =>
  new Promise((resolve) => {
    socket.once(event, () => resolve());
  });

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 200));
