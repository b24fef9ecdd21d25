import type { Server } from "node:http";
import type { Socket } from "node:net";

/** What is asked for in the plainest form, and answered as the octets of a whole HTTP response but for its Date, one character each. */
export interface PlainDoor {
  plainGet(path: string): string | Promise<string>;
  /** undefined: nothing can be posted to this path. */
  plainPost(path: string, body: string): string | Promise<string> | undefined;
}

export interface FastLaneOptions {
  readonly door: PlainDoor;
  /** How long a new connection, and one between requests, may be silent. */
  readonly headersMs: number;
  readonly keepAliveMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Headers that change nothing about a question or its answer. */
const PASSIVE = new Set(["host", "user-agent", "accept", "accept-encoding", "accept-language", "connection"]);
const REQUEST_TYPE = "application/ocsp-request";
const MAX_BODY = 10 * 1024;
const MAX_HEADERS = 1_024;
/** Different headers of clients, which are looked at once each. */
const MAX_KNOWN = 1_024;

/** What headers say of a request: how long its body is. undefined: they are not of the plainest form. */
type Plain = { readonly bodyLength: number } | undefined;

/**
 * Answers OCSP questions of the plainest form without node:http, which takes longer for one than all the rest of the work: GET or POST of
 * HTTP/1.1 to a path below /ocsp, whole in what has arrived, with no headers but a few harmless ones. A connection that brings anything
 * else, or half of something, goes to node:http for good, with all that has not been answered; so what is strange, slow or hostile is
 * dealt with there, and here nothing has to be.
 */
export function addFastLane(server: Server, options: FastLaneOptions): { close(): void } {
  const [serve] = server.listeners("connection") as ((this: Server, socket: Socket) => void)[];
  if (serve === undefined) throw new Error("node:http does not listen for connections");
  server.removeAllListeners("connection");
  const lane = new Lane(options, (socket) => serve.call(server, socket));
  server.on("connection", (socket: Socket) => lane.take(socket));
  return lane;
}

class Lane {
  readonly #options: FastLaneOptions;
  readonly #handOver: (socket: Socket) => void;
  readonly #sockets = new Set<Socket>();
  readonly #known = new Map<string, Plain>();
  /** Answers that go out at the end of this turn of the event loop. */
  readonly #ready = new Map<Socket, string>();
  #date = "";
  #dateSecond = 0;

  constructor(options: FastLaneOptions, handOver: (socket: Socket) => void) {
    this.#options = options;
    this.#handOver = handOver;
  }

  take(socket: Socket): void {
    const destroy = () => socket.destroy();
    const forget = () => this.#sockets.delete(socket);
    const leave = (rest: string) => {
      forget();
      this.#sendAll(); // in order
      socket.off("data", receive).off("timeout", destroy).off("error", destroy).off("close", forget).setTimeout(0);
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
    socket.on("data", receive).on("timeout", destroy).on("error", destroy).on("close", forget);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Answers the requests that `text` consists of, one after the other, and leaves the lane with the first that is not plain. */
  #answer(socket: Socket, text: string, leave: (rest: string) => void): void {
    if (socket.writableNeedDrain) {
      // A client that does not read what it asks for.
      this.#answerLater(socket, new Promise((resolve) => socket.once("drain", () => resolve(""))), text, leave);
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
        if (text !== "") this.#send(socket, text);
        socket.resume();
        this.#answer(socket, rest, leave);
      },
      () => socket.destroy(),
    );
  }

  /** At the end of the turn, with the answers to all that came in it: each write by itself wakes the other side anew. */
  #send(socket: Socket, reply: string): void {
    const second = Math.floor(this.#options.now() / 1_000);
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
    const isPost = text.startsWith("POST /ocsp");
    const none = { reply: undefined, length: 0 };
    if (!isPost && !text.startsWith("GET /ocsp/")) return none;
    const lineEnd = text.indexOf(" HTTP/1.1\r\n");
    const end = text.indexOf("\r\n\r\n");
    if (lineEnd === -1 || end < lineEnd) return none;
    const path = text.slice(isPost ? 5 : 4, lineEnd);
    const plain = this.#look(text.slice(lineEnd + 11, end + 2), isPost);
    if (plain === undefined || !isPlainPath(path)) return none;
    const bodyStart = end + 4;
    const length = bodyStart + plain.bodyLength;
    if (text.length < length) return none;
    const { door } = this.#options;
    return { reply: isPost ? door.plainPost(path, text.slice(bodyStart, length)) : door.plainGet(path), length };
  }

  #look(headers: string, isPost: boolean): Plain {
    if (headers.length > MAX_HEADERS) return undefined;
    const name = isPost ? `P${headers}` : headers;
    if (this.#known.has(name)) return this.#known.get(name);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    const plain = readHeaders(headers, isPost);
    this.#known.set(name, plain);
    return plain;
  }
}

/** "/ocsp", or something below it, of characters that a path has (RFC 3986 section 3.3); no query. */
const isPlainPath = (path: string): boolean => /^\/ocsp(?:\/[\w\-.~!$&'()*+,;=:@%/]*)?$/.test(path);

/** Each line with its CRLF. */
function readHeaders(headers: string, isPost: boolean): Plain {
  let [hosts, types] = [0, 0];
  let bodyLength: number | undefined;
  for (const line of headers.split("\r\n").slice(0, -1)) {
    const [, name = "", value = ""] = /^([A-Za-z-]+):[ \t]*([\x21-\x7e](?:[ -~]*[\x21-\x7e])?)[ \t]*$/.exec(line) ?? [];
    const known = name.toLowerCase();
    if (known === "host") hosts++;
    if (known === "content-type" && isPost && value.toLowerCase() === REQUEST_TYPE) types++;
    else if (known === "content-length" && isPost && bodyLength === undefined && /^[1-9]\d{0,4}$/.test(value))
      bodyLength = Number(value);
    else if (!PASSIVE.has(known) || (known === "connection" && value.toLowerCase() !== "keep-alive")) return undefined;
  }
  if (hosts !== 1) return undefined;
  if (!isPost) return { bodyLength: 0 };
  return types === 1 && bodyLength !== undefined && bodyLength <= MAX_BODY ? { bodyLength } : undefined;
}
