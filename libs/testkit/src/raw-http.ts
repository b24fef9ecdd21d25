import { connect, type Socket } from "node:net";
import { expect } from "vitest";

export interface RawResponse {
  readonly status: number;
  /** Names in lower case, as are values. */
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** One connection on which requests are written as they are, whatever they are. */
export class RawHttpClient {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #taken: RawResponse | undefined;

  /** To a port on loopback. */
  constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    this.#socket.on("error", () => {});
  }

  /** Whether the other side has ended the connection. */
  get isEnded(): boolean {
    return this.#socket.readableEnded || this.#socket.destroyed;
  }

  /** One octet per character. */
  send(text: string): void {
    this.#socket.write(text, "latin1");
  }

  /** The next response. */
  async read(): Promise<RawResponse> {
    await expect.poll(() => this.#take(), { timeout: 10_000 }).toBeDefined();
    const response = this.#taken as RawResponse;
    this.#taken = undefined;
    return response;
  }

  async ask(text: string): Promise<RawResponse> {
    this.send(text);
    return this.read();
  }

  /** Nothing more will be sent, but what is owed may still be read. */
  end(): void {
    this.#socket.end();
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(): RawResponse | undefined {
    if (this.#taken) return this.#taken;
    const end = this.#received.indexOf("\r\n\r\n");
    if (end === -1) return undefined;
    const [line = "", ...lines] = this.#received.subarray(0, end).toString("latin1").split("\r\n");
    const headers = Object.fromEntries(lines.map((each) => each.toLowerCase().split(": ", 2)));
    const length = Number(headers["content-length"] ?? 0);
    const total = end + 4 + length;
    if (this.#received.length < total) return undefined;
    this.#taken = { status: Number(line.split(" ")[1]), headers, body: this.#received.subarray(end + 4, total) };
    this.#received = this.#received.subarray(total);
    return this.#taken;
  }
}

/** What may differ between two ways to the same answer: when it was sent, and what they say about the connection. */
export function comparable({ status, headers, body }: RawResponse) {
  const { date: _, connection: __, "keep-alive": ___, ...rest } = headers;
  return { status, headers: rest, body: body.toString("hex") };
}
