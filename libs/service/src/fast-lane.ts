import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "@vcc-pki/time";

/** What is asked for in the plainest form, and answered as the octets of a whole HTTP response but for its Date, one character each. A
 *  promise that rejects ends the connection. */
export interface PlainDoor {
  /** Absent: GET is left to node:http. */
  plainGet?(path: string): string | Promise<string>;
  /** undefined: nothing can be posted to this path. */
  plainPost(path: string, body: string): string | Promise<string> | undefined;
}

/** The questions that may be asked in the plainest form. */
export interface PlainQuestions {
  readonly door: PlainDoor;
  /** What the paths of its requests begin with: "/ocsp" for itself and all below it. */
  readonly root: string;
  /** The media type of what is posted, in lower case, and its greatest length in octets. */
  readonly requestType: string;
  readonly maxBodyOctets: number;
}

export interface FastLaneOptions extends PlainQuestions {
  /** How long a new connection, and one between requests, may be silent. */
  readonly headersMs: number;
  readonly keepAliveMs: number;
  readonly clock: Clock;
}

/** Headers that change nothing about a question or its answer. */
const PASSIVE = new Set(["host", "user-agent", "accept", "accept-encoding", "accept-language", "connection"]);
const MAX_HEADERS = 1_024;
/** Different headers of clients, which are looked at once each. */
const MAX_KNOWN = 1_024;
/** At the end, how long those who are still to be answered may wait for it. */
const LAST_ANSWERS_MS = 1_000;

/** What headers say of a request: how long its body is. undefined: they are not of the plainest form. */
type Plain = { readonly bodyLength: number } | undefined;

/**
 * Answers questions of the plainest form without node:http, which takes longer for one than most services for all the rest: GET or POST of
 * HTTP/1.1 to a path below the root, whole in what has arrived, with no headers but a few harmless ones. A connection that brings anything
 * else, or half of something, goes to node:http for good, with all that has not been answered; so what is strange, slow or hostile is
 * dealt with there, and here nothing has to be.
 */
export function addFastLane(server: Server, options: FastLaneOptions): FastLane {
  const [serve] = server.listeners("connection") as ((this: Server, socket: Socket) => void)[];
  if (serve === undefined) throw new Error("node:http does not listen for connections");
  server.removeAllListeners("connection");
  const lane = new Lane(options, (socket) => serve.call(server, socket));
  server.on("connection", (socket: Socket) => lane.take(socket));
  return lane;
}

export interface FastLane {
  /** Ends the connections: those that wait for an answer when they have it, or after a second. */
  close(): void;
}

class Lane implements FastLane {
  readonly #options: FastLaneOptions;
  readonly #handOver: (socket: Socket) => void;
  /** The root, or something below it, of characters that a path has (RFC 3986 section 3.3); no query. */
  readonly #isPath: RegExp;
  readonly #sockets = new Set<Socket>();
  /** Those of them that wait for an answer: as long as that takes, they may be silent. */
  readonly #waiting = new Set<Socket>();
  readonly #known = new Map<string, Plain>();
  /** Answers that go out at the end of this turn of the event loop. */
  readonly #ready = new Map<Socket, string>();
  #date = "";
  #dateSecond = 0;
  #isClosed = false;

  constructor(options: FastLaneOptions, handOver: (socket: Socket) => void) {
    this.#options = options;
    this.#handOver = handOver;
    this.#isPath = new RegExp(`^${options.root}(?:/[\\w\\-.~!$&'()*+,;=:@%/]*)?$`);
  }

  take(socket: Socket): void {
    const destroy = () => socket.destroy();
    const expire = () => this.#waiting.has(socket) || socket.destroy();
    const forget = () => {
      this.#sockets.delete(socket);
      this.#waiting.delete(socket);
    };
    const end = () => socket.isPaused() || this.#end(socket);
    const leave = (rest: string) => {
      forget();
      this.#sendAll(); // in order
      socket.off("data", receive).off("end", end).off("timeout", expire).off("error", destroy).off("close", forget);
      socket.setTimeout(0);
      this.#handOver(socket);
      socket.emit("data", Buffer.from(rest, "latin1"));
    };
    let isNew = true;
    const receive = (chunk: Buffer) => {
      if (isNew) socket.setTimeout(this.#options.keepAliveMs);
      isNew = false;
      this.#answer(socket, chunk.toString("latin1"), leave);
    };
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.setTimeout(this.#options.headersMs);
    socket.on("data", receive).on("end", end).on("timeout", expire).on("error", destroy).on("close", forget);
  }

  close(): void {
    this.#isClosed = true;
    for (const socket of this.#sockets) if (!this.#waiting.has(socket)) this.#end(socket);
    setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, LAST_ANSWERS_MS).unref();
  }

  /** Answers the requests that `text` consists of, one after the other, and leaves the lane with the first that is not plain. */
  #answer(socket: Socket, text: string, leave: (rest: string) => void): void {
    if (socket.writableNeedDrain) {
      // A client that does not read what it asks for.
      const drained = new Promise<string>((resolve) => socket.once("drain", () => resolve("")));
      this.#answerLater(socket, drained, text, leave);
      return;
    }
    for (let rest = text; rest !== ""; ) {
      const { reply, length } = this.#reply(rest);
      if (reply === undefined) {
        leave(rest);
        return;
      }
      rest = rest.slice(length);
      if (typeof reply !== "string") {
        this.#waiting.add(socket);
        this.#answerLater(socket, reply, rest, leave);
        return;
      }
      this.#send(socket, reply);
    }
  }

  /** What comes next waits in the socket. */
  #answerLater(socket: Socket, reply: Promise<string>, rest: string, leave: (rest: string) => void): void {
    socket.pause();
    reply.then(
      (text) => {
        if (socket.destroyed) return;
        this.#waiting.delete(socket);
        if (text !== "") this.#send(socket, text);
        if (this.#isClosed) {
          this.#end(socket);
          return;
        }
        socket.resume();
        this.#answer(socket, rest, leave);
        if (socket.readableEnded && !socket.isPaused() && this.#sockets.has(socket)) this.#end(socket);
      },
      () => socket.destroy(),
    );
  }

  /** When all that is ready has been sent. */
  #end(socket: Socket): void {
    this.#sendAll();
    socket.destroySoon();
  }

  /** At the end of the turn, with the answers to all that came in it: each write by itself wakes the other side anew. */
  #send(socket: Socket, reply: string): void {
    const second = Math.floor(this.#options.clock.now().getTime() / 1_000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#date = `HTTP/1.1 200 OK\r\nDate: ${new Date(second * 1_000).toUTCString()}\r\n`;
    }
    const before = this.#ready.get(socket);
    if (this.#ready.size === 0) setImmediate(() => this.#sendAll());
    this.#ready.set(socket, before === undefined ? this.#date + reply : before + this.#date + reply);
  }

  #sendAll(): void {
    for (const [socket, text] of this.#ready) socket.write(text, "latin1");
    this.#ready.clear();
  }

  /** The answer to the request that `text` begins with, and the request's length. */
  #reply(text: string): { readonly reply: string | Promise<string> | undefined; readonly length: number } {
    const { door } = this.#options;
    const isPost = text.startsWith("POST /");
    const none = { reply: undefined, length: 0 };
    if (!isPost && (door.plainGet === undefined || !text.startsWith("GET /"))) return none;
    const lineEnd = text.indexOf(" HTTP/1.1\r\n");
    const end = text.indexOf("\r\n\r\n");
    if (lineEnd === -1 || end < lineEnd) return none;
    const path = text.slice(isPost ? 5 : 4, lineEnd);
    const plain = this.#look(text.slice(lineEnd + 11, end + 2), isPost);
    if (plain === undefined || !this.#isPath.test(path)) return none;
    const bodyStart = end + 4;
    const length = bodyStart + plain.bodyLength;
    if (text.length < length) return none;
    return { reply: isPost ? door.plainPost(path, text.slice(bodyStart, length)) : door.plainGet?.(path), length };
  }

  #look(headers: string, isPost: boolean): Plain {
    if (headers.length > MAX_HEADERS) return undefined;
    const name = isPost ? `P${headers}` : headers;
    if (this.#known.has(name)) return this.#known.get(name);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    const plain = readHeaders(headers, isPost ? this.#options : undefined);
    this.#known.set(name, plain);
    return plain;
  }
}

/** Each line with its CRLF. `post` says what may be posted; undefined for a GET. */
function readHeaders(headers: string, post: Pick<PlainQuestions, "requestType" | "maxBodyOctets"> | undefined): Plain {
  let [hosts, types] = [0, 0];
  let bodyLength: number | undefined;
  for (const line of headers.split("\r\n").slice(0, -1)) {
    const [, name = "", value = ""] = /^([A-Za-z-]+):[ \t]*([\x21-\x7e](?:[ -~]*[\x21-\x7e])?)[ \t]*$/.exec(line) ?? [];
    const known = name.toLowerCase();
    if (known === "host") hosts++;
    if (known === "content-type" && value.toLowerCase() === post?.requestType) types++;
    else if (known === "content-length" && post && bodyLength === undefined && /^[1-9]\d{0,4}$/.test(value))
      bodyLength = Number(value);
    else if (!PASSIVE.has(known) || (known === "connection" && value.toLowerCase() !== "keep-alive")) return undefined;
  }
  if (hosts !== 1) return undefined;
  if (!post) return { bodyLength: 0 };
  return types === 1 && bodyLength !== undefined && bodyLength <= post.maxBodyOctets ? { bodyLength } : undefined;
}
