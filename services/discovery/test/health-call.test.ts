import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { callHealth } from "../src/probe/health-call.ts";
import { answering, closeServers, http, servePlain } from "./tls-servers.ts";

afterEach(closeServers);

/** What is learnt from a server that speaks so, and what it was sent. */
async function ask(speak: (socket: Socket) => void, timeoutMs = 5_000) {
  const sent: Buffer[] = [];
  const { port } = await servePlain((socket) => {
    socket.on("data", (chunk: Buffer) => sent.push(chunk));
    speak(socket);
  });
  const connection = connect(port, "127.0.0.1");
  await once(connection, "connect");
  const question = { host: "argus.vcc.internal", port, path: "/health", dialect: "auto" } as const;
  const report = await callHealth(connection, { ...question, signal: AbortSignal.timeout(timeoutMs) });
  return { report, sent: Buffer.concat(sent).toString(), connection };
}

const unknown = (reason: RegExp) => ({ health: "unknown", reason: expect.stringMatching(reason) });

/** Writes a piece every few milliseconds until nobody listens. */
const dripping = (start: string, piece: string) => (socket: Socket) => {
  socket.write(start);
  const timer = setInterval(() => socket.write(piece), 5);
  socket.on("close", () => clearInterval(timer));
};

describe("a health call", () => {
  it("asks once, with nothing secret, and closes the connection", async () => {
    const { report, sent, connection } = await ask(answering(http(200, '{"status":"healthy"}')));
    expect(report).toEqual({ health: "healthy", reason: 'status "healthy"' });
    expect(sent).toMatch(/^GET \/health HTTP\/1\.1\r\n/);
    expect(sent).toMatch(/host: argus\.vcc\.internal:\d+\r\n/i);
    expect(sent).not.toMatch(/authorization|cookie/i);
    expect(connection.destroyed).toBe(true);
  });

  it("does not follow a redirect", async () => {
    const { port } = await servePlain(() => expect.unreachable());
    const location = `location: http://127.0.0.1:${port}/health\r\n`;
    const { report, sent } = await ask(answering(http(302, "", location)));
    expect(report).toEqual(unknown(/redirects are not followed/));
    expect(sent.match(/GET /g)).toHaveLength(1);
  });

  it("stops at headers of 1 MiB", async () => {
    const flood = `HTTP/1.1 200 OK\r\n${`x-flood: ${"y".repeat(1000)}\r\n`.repeat(1048)}\r\n`;
    expect((await ask(answering(flood))).report).toEqual(unknown(/headers are longer/));
  });

  it("stops at one header of 1 MiB", async () => {
    const flood = `HTTP/1.1 200 OK\r\nx-flood: ${"y".repeat(1_048_576)}\r\n\r\n`;
    expect((await ask(answering(flood))).report).toEqual(unknown(/headers are longer/));
  });

  it("stops at a body of 1 MiB, whatever it claims", async () => {
    expect((await ask(answering(http(200, "y".repeat(1_048_576))))).report).toEqual(unknown(/answer is longer/));
    const chunk = `ffff\r\n${"y".repeat(65_535)}\r\n`;
    const chunked = dripping("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", chunk);
    expect((await ask(chunked)).report).toEqual(unknown(/answer is longer/));
  });

  it.each([
    ["its headers", "HTTP/1.1 200 OK\r\nx-slow: ", "y"],
    ["its body", "HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n{", " "],
    ["interim answers", "", "HTTP/1.1 102 Processing\r\n\r\n"],
  ])("ends a server that drips %s", async (_, start, piece) => {
    expect((await ask(dripping(start, piece), 100)).report).toEqual(unknown(/no whole answer in time/));
  });

  it.each([
    ["nothing", (socket: Socket) => socket.end(), /broke off/],
    ["half an answer", answering("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"), /broke off/],
    ["another protocol", answering("SSH-2.0-OpenSSH_9.9\r\n"), /not HTTP/],
    ["another protocol at once", answering("HTTP/1.1 101 Y\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"), /protocol/],
    ["two lengths", answering("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"), /not HTTP/],
  ])("of %s learns nothing", async (_, speak, reason) => {
    expect((await ask(speak)).report).toEqual(unknown(reason));
  });
});
