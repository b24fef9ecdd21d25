import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HttpConnection, postRequest } from "./http-connection.ts";

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    response.writeHead(request.url === "/refused" ? 403 : 200, { "Content-Length": String(body.length) });
    response.flushHeaders(); // head and body by themselves
    setImmediate(() => response.end(body));
  });
});
let connection: HttpConnection;

beforeEach(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  connection = await HttpConnection.open((server.address() as AddressInfo).port);
});
afterEach(async () => {
  connection.close();
  server.close();
  await once(server, "close");
});

describe("a kept connection", () => {
  it("gives the whole body of one answer after another", async () => {
    for (const size of [0, 1, 100_000]) {
      const body = Buffer.alloc(size, size);
      expect((await connection.send(postRequest("/", "text/plain", body))).equals(body)).toBe(true);
    }
  });

  it("refuses an answer that is not 200, and a second question before the answer", async () => {
    await expect(connection.send(postRequest("/refused", "text/plain", Buffer.of()))).rejects.toThrow("403");
    const first = connection.send(postRequest("/", "text/plain", Buffer.of(1)));
    expect(() => connection.send(postRequest("/", "text/plain", Buffer.of(2)))).toThrow("one request at a time");
    expect(await first).toEqual(Buffer.of(1));
  });
});
