import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import type { Clock } from "@vcc-pki/time";
import { buildNtpRequest, NTP_PACKET_OCTETS, type NtpPacket, parseNtpPacket } from "./ntp-packet.ts";

export interface NtpServer {
  readonly host: string;
  readonly port: number;
}

export interface NtpExchangeOptions {
  readonly clock: Clock;
  /** That many random octets. */
  readonly random: (octets: number) => Uint8Array;
  /** For name, question and answer together. */
  readonly timeoutMs: number;
}

/** An answer that carries our cookie: it is the server's, whatever it says. */
export interface NtpAnswer {
  readonly packet: NtpPacket;
  /** Length of the whole datagram. */
  readonly octets: number;
  /** "address:port". */
  readonly address: string;
  /** By the counter. */
  readonly sentAtMs: number;
  readonly receivedAtMs: number;
}

/** Asks a server once, as a client of RFC 5905 section 8, from a port of its own (RFC 9109). What does not carry the cookie, comes from
 *  another address or comes again is passed over in silence: it would be too easy to forge a refusal. Rejects with an Error when no
 *  answer came in time or the server cannot be reached. */
export async function askNtpServer(server: NtpServer, options: NtpExchangeOptions): Promise<NtpAnswer> {
  const { clock, random, timeoutMs } = options;
  const signal = AbortSignal.timeout(timeoutMs);
  const { address, family } = await withSignal(lookup(server.host), signal);
  const socket = createSocket(family === 6 ? "udp6" : "udp4");
  try {
    // The kernel passes on only what comes from there, and tells when nobody listens.
    socket.connect(server.port, address);
    await once(socket, "connect", { signal });
    const cookie = random(8);
    const answer = nextAnswer(socket, Buffer.from(cookie).readBigUInt64BE(), clock);
    const sentAtMs = clock.monotonicMs();
    socket.send(buildNtpRequest(cookie));
    const name = `${address}:${server.port}`;
    return { ...(await withSignal(answer, signal)), address: name, sentAtMs };
  } finally {
    socket.close();
  }
}

function nextAnswer(socket: Socket, cookie: bigint, clock: Clock) {
  const { promise, resolve, reject } = Promise.withResolvers<Pick<NtpAnswer, "packet" | "octets" | "receivedAtMs">>();
  socket.on("error", reject);
  socket.on("message", (octets) => {
    const receivedAtMs = clock.monotonicMs();
    if (octets.length < NTP_PACKET_OCTETS) return;
    const packet = parseNtpPacket(octets);
    if (packet.originTimestamp === cookie) resolve({ packet, octets: octets.length, receivedAtMs });
  });
  return promise;
}

async function withSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => {}); // it may fail after we have stopped waiting
  const { promise: late, reject } = Promise.withResolvers<never>();
  const abort = () => reject(new Error("no answer in time"));
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([promise, late]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
