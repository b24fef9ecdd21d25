import { request } from "node:http";
import type { Duplex } from "node:stream";
import { type HealthDialect, type HealthReport, readHealth } from "./health-dialect.ts";

/** An honest answer has some hundred octets of headers, and rarely more than a few KiB of JSON. */
const MAX_HEADER_OCTETS = 16 * 1024;
const MAX_BODY_OCTETS = 64 * 1024;

export interface HealthQuestion {
  /** What the Host field says. */
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly dialect: HealthDialect;
  /** Ends a call that drips. */
  readonly signal: AbortSignal;
}

/** Asks over an open connection how a service is: one GET over HTTP/1.1, bounded in octets and by `signal`. Redirects are not followed. Takes the
 *  connection and closes it. Never rejects: what is not learnt is "unknown", with the reason. */
export function callHealth(
  connection: Duplex,
  { host, port, path, dialect, signal }: HealthQuestion,
): Promise<HealthReport> {
  return new Promise((resolve) => {
    const settle = (report: HealthReport) => {
      resolve(report);
      connection.destroy();
    };
    const unknown = (reason: string) => settle({ health: "unknown", reason });
    const call = request({
      createConnection: () => connection,
      ...{ method: "GET", path, host, port, signal },
      headers: { accept: "application/json", "user-agent": "vcc-pki-discovery", connection: "close" },
      maxHeaderSize: MAX_HEADER_OCTETS,
    });
    call.on("error", (error: NodeJS.ErrnoException) =>
      unknown(signal.aborted ? "no whole answer in time" : reasonOf(error)),
    );
    call.on("upgrade", () => unknown("it changes the protocol"));
    call.on("response", (response) => {
      const chunks: Buffer[] = [];
      let octets = 0;
      response.on("data", (chunk: Buffer) => {
        octets += chunk.length;
        chunks.push(chunk);
        if (octets > MAX_BODY_OCTETS) unknown(`the answer is longer than ${MAX_BODY_OCTETS} octets`);
      });
      response.on("end", () =>
        settle(readHealth(dialect, response.statusCode ?? 0, Buffer.concat(chunks).toString("utf8"))),
      );
      response.on("error", () => unknown(signal.aborted ? "no whole answer in time" : "the answer broke off"));
    });
    call.end();
  });
}

function reasonOf({ code = "" }: NodeJS.ErrnoException): string {
  if (code === "HPE_HEADER_OVERFLOW") return `the headers are longer than ${MAX_HEADER_OCTETS} octets`;
  if (code.startsWith("HPE_")) return "the answer is not HTTP/1.1";
  return "the connection broke off";
}
