import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type Answer, decode, encode } from "dns-packet";

export interface DnsServer {
  /** "127.0.0.1:port" */
  readonly address: string;
  /** Names that were asked for, with their types. */
  readonly asked: readonly string[];
  close(): void;
}

/** Answers, or a response code. */
export type Records = (name: string, type: string) => readonly Answer[] | number | undefined;

/** A DNS server on loopback. `undefined` is NXDOMAIN. */
export async function serveDns(records: Records): Promise<DnsServer> {
  const socket = createSocket("udp4");
  const asked: string[] = [];
  socket.on("message", (message, { port, address }) => {
    const { id, questions = [] } = decode(message);
    const { name = "", type = "" } = questions[0] ?? {};
    asked.push(`${name} ${type}`);
    const NXDOMAIN = 3;
    const known = records(name, type) ?? NXDOMAIN;
    const [flags, answers] = typeof known === "number" ? [known, []] : [0, [...known]];
    socket.send(encode({ id, type: "response", flags, questions, answers }), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { address: `127.0.0.1:${socket.address().port}`, asked, close: () => socket.close() };
}
