import type { IncomingMessage, ServerResponse } from "node:http";

export interface BodyReader {
  readonly maxOctets: number;
  /** What is read and thrown away of a body that is too long, so that its sender gets to see the answer; then the connection ends. */
  readonly maxDiscardedOctets: number;
  /** undefined: there is none. */
  readonly onBody: (body: Buffer | undefined) => void;
  /** Called as soon as that is known; it answers, and the connection closes after that. */
  readonly onTooLong: () => void;
}

/** Reads the body of a request, and calls one of the two. */
export function readBody(request: IncomingMessage, response: ServerResponse, reader: BodyReader): void {
  let body: Buffer | undefined;
  let octets = 0;
  let isTooLong = false;
  request.on("data", (chunk: Buffer) => {
    octets += chunk.length;
    if (octets <= reader.maxOctets) body = body === undefined ? chunk : Buffer.concat([body, chunk]);
    else if (octets > reader.maxDiscardedOctets) request.destroy();
    else if (!isTooLong) {
      isTooLong = true;
      response.setHeader("Connection", "close");
      reader.onTooLong();
    }
  });
  request.on("end", () => {
    if (!isTooLong) reader.onBody(body);
  });
}
