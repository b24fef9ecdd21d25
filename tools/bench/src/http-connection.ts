import { once } from "node:events";
import { createConnection, type Socket } from "node:net";

const END_OF_HEADERS = "\r\n\r\n";
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i;
/** A service that is busy for so long answers nobody. */
const TIMEOUT_MS = 30_000;

/** One connection that stays open, one request at a time: a client that costs little, for it shares the machine with what it measures. */
export class HttpConnection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #waiting: PromiseWithResolvers<Buffer> | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error("no answer")));
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", (error) => this.#waiting?.reject(error));
    socket.on("close", () => this.#waiting?.reject(new Error("the connection was closed")));
  }

  /** To a port on loopback. */
  static async open(port: number): Promise<HttpConnection> {
    const socket = createConnection({ host: "127.0.0.1", port });
    await once(socket, "connect");
    return new HttpConnection(socket);
  }

  /** Sends a whole request, head and body, and resolves with the body of the answer. Rejects unless its status is 200. */
  send(request: Buffer): Promise<Buffer> {
    if (this.#waiting !== undefined) throw new Error("one request at a time");
    this.#waiting = Promise.withResolvers<Buffer>();
    this.#socket.write(request);
    return this.#waiting.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const endOfHead = this.#received.indexOf(END_OF_HEADERS);
    if (endOfHead === -1) return;
    const head = this.#received.toString("latin1", 0, endOfHead);
    const start = endOfHead + END_OF_HEADERS.length;
    const length = Number(CONTENT_LENGTH.exec(head)?.[1] ?? Number.NaN);
    if (this.#received.length < start + length) return;
    const body = this.#received.subarray(start, start + length);
    this.#received = Buffer.alloc(0);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (head.startsWith("HTTP/1.1 200 ") && Number.isSafeInteger(length)) waiting?.resolve(body);
    else waiting?.reject(new Error(`unexpected answer: ${head}`));
  }
}

/** The octets of a POST. */
export const postRequest = (path: string, contentType: string, body: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${contentType}\r\nContent-Length: ${body.length}\r\n\r\n`,
    ),
    body,
  ]);
