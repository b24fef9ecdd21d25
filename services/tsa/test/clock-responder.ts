import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import type { FakeClock } from "@vcc-pki/testkit/clock";

/** How an NTP server of the test answers. All of it can be changed between questions. */
export interface Behaviour {
  /** How far its clock is ahead of the one it was started with. */
  offsetMs: number;
  leap: number;
  version: number;
  mode: number;
  stratum: number;
  /** Four octets. */
  reference: string;
  rootDelayMs: number;
  rootDispersionMs: number;
  /** Logarithm of seconds. */
  precision: number;
  /** What passes on the fake clock before it has the question, while it thinks, and until the answer is there. */
  travelMs: readonly [there: number, thinking: number, back: number];
  /** How long ago it was set itself. */
  setAgoMs: number;
  silent: boolean;
  /** What is sent instead of the answer. */
  answers: (answer: Buffer, question: Buffer) => readonly Buffer[];
  /** The answer comes from another port. */
  fromElsewhere: boolean;
}

const HONEST: Behaviour = {
  ...{ offsetMs: 0, leap: 0, version: 4, mode: 4, stratum: 2, reference: "\x7f\x00\x00\x01" },
  ...{ rootDelayMs: 2, rootDispersionMs: 1, precision: -20, travelMs: [0, 0, 0], setAgoMs: 10_000, silent: false },
  ...{ answers: (answer) => [answer], fromElsewhere: false },
};

/** What servers tell the time from, and what passes while they do. */
export type ServerClock = Pick<FakeClock, "now" | "advance">;

export interface Responder {
  readonly name: string;
  readonly port: number;
  readonly behaviour: Behaviour;
  /** Questions so far. */
  readonly questions: Buffer[];
  close(): Promise<void>;
  /** Binds its port again. */
  open(): Promise<void>;
}

/** An NTP server on a port of the loopback, as RFC 5905 section 9.2 has it, or as the test wants it. */
export async function startResponder(clock: ServerClock, behaviour: Partial<Behaviour> = {}): Promise<Responder> {
  const current: Behaviour = { ...HONEST, ...behaviour };
  const questions: Buffer[] = [];
  let socket: Socket;
  let port = 0;
  const answer = (question: Buffer, from: RemoteInfo) => {
    questions.push(question);
    if (current.silent) return;
    const reply = createAnswer(question, current, clock);
    const out = current.fromElsewhere ? createSocket("udp4") : socket;
    for (const each of current.answers(reply, question)) out.send(each, from.port, from.address);
    if (current.fromElsewhere) setTimeout(() => out.close(), 50);
  };
  const open = async () => {
    socket = createSocket("udp4").on("message", answer);
    socket.bind(port, "127.0.0.1");
    await once(socket, "listening");
    port = socket.address().port;
  };
  await open();
  return {
    ...{ name: `127.0.0.1:${port}`, port, behaviour: current, questions, open },
    async close() {
      socket.close();
      await once(socket, "close");
    },
  };
}

function createAnswer(question: Buffer, behaviour: Behaviour, clock: ServerClock): Buffer {
  const [there, thinking, back] = behaviour.travelMs;
  const now = () => clock.now().getTime() + behaviour.offsetMs;
  const octets = Buffer.alloc(48);
  octets[0] = (behaviour.leap << 6) | (behaviour.version << 3) | behaviour.mode;
  octets[1] = behaviour.stratum;
  octets.writeInt8(behaviour.precision, 3);
  octets.writeUInt32BE(Math.round((behaviour.rootDelayMs / 1_000) * 65_536), 4);
  octets.writeUInt32BE(Math.round((behaviour.rootDispersionMs / 1_000) * 65_536), 8);
  octets.write(behaviour.reference, 12, 4, "latin1");
  octets.writeBigUInt64BE(timestamp(now() - behaviour.setAgoMs), 16);
  question.copy(octets, 24, 40, 48);
  clock.advance(there);
  octets.writeBigUInt64BE(timestamp(now()), 32);
  clock.advance(thinking);
  octets.writeBigUInt64BE(timestamp(now()), 40);
  clock.advance(back);
  return octets;
}

/** RFC 5905 figure 4: 1970-01-01 is second 2 208 988 800 of era 0. */
const timestamp = (unixMs: number): bigint =>
  BigInt.asUintN(64, ((BigInt(Math.round(unixMs)) + 2_208_988_800_000n) << 32n) / 1_000n);
