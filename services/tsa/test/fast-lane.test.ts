import { comparable, RawHttpClient, type RawResponse } from "@vcc-pki/testkit/raw-http";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { OpensslClient } from "./client.ts";
import { craft, readStatus, request } from "./craft.ts";
import { newTsa, type TsaHarness } from "./harness.ts";

const openssl = new OpensslClient();
let tsa: TsaHarness;
beforeAll(async () => {
  tsa = await newTsa({ config: { limits: { keepAlive: "1s" } } });
});
afterAll(async () => {
  openssl.close();
  await tsa.close();
});

let clients: RawHttpClient[] = [];
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});
const newClient = (): RawHttpClient => {
  const client = new RawHttpClient(tsa.tsa.httpPort);
  clients.push(client);
  return client;
};

/** A header with which a connection leaves the lane. */
const STRANGE = "X-Not-Plain: 1\r\n";
const postOf = (body: Uint8Array, headers = "", path = "/tsa") =>
  `POST ${path} HTTP/1.1\r\nHost: tsa\r\nContent-Type: application/timestamp-query\r\nContent-Length: ${body.length}\r\n${headers}\r\n` +
  Buffer.from(body).toString("latin1");
const statusOf = ({ body }: RawResponse) => readStatus(body).status;
const countTokens = () => tsa.store.db.prepare("SELECT count(*) FROM tokens").pluck().get();

describe("a plain request", () => {
  it.each(["", STRANGE])("has a token that OpenSSL verifies, with headers %j", async (headers) => {
    const query = openssl.query("plain", "-cert");
    const { status, headers: received, body } = await newClient().ask(postOf(query, headers));
    expect({ status, type: received["content-type"], cache: received["cache-control"] }).toEqual({
      ...{ status: 200, type: "application/timestamp-reply", cache: "no-store" },
    });
    expect(await openssl.verify(tsa, query, body)).toBe("OK");
    body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
    expect(await openssl.verify(tsa, query, body)).not.toBe("OK");
  });

  it.each<[string, (headers: string) => string]>([
    ["garbage", (headers) => postOf(Buffer.from("garbage"), headers)],
    ["another version", (headers) => postOf(craft({ version: 7 }), headers)],
    ["an unknown hash", (headers) => postOf(craft({ hashOid: "1.2.3.4" }), headers)],
    ["no such unit", (headers) => postOf(request(), headers, "/tsa/nobody")],
    ["64 KiB and one octet", (headers) => postOf(Buffer.alloc(64 * 1_024 + 1, 0x30), headers)],
    ["nothing", (headers) => postOf(new Uint8Array(), headers)],
    ["GET", (headers) => `GET /tsa HTTP/1.1\r\nHost: tsa\r\n${headers}\r\n`],
    ["another method", (headers) => `PUT /tsa HTTP/1.1\r\nHost: tsa\r\n${headers}\r\n`],
    ["no host", (headers) => postOf(request(), headers).replace("Host: tsa\r\n", "")],
  ])("is refused or told as by node:http: %s", async (_, requestWith) => {
    const before = countTokens();
    const plain = await newClient().ask(requestWith(""));
    const strange = await newClient().ask(requestWith(STRANGE));
    expect(comparable(plain)).toEqual(comparable(strange));
    expect(countTokens()).toBe(before);
  });

  it("is answered in its turn among others", async () => {
    const client = newClient();
    const bad = Buffer.from("garbage");
    client.send([postOf(request()), postOf(bad), postOf(request()), postOf(bad, STRANGE), postOf(request())].join(""));
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) statuses.push(statusOf(await client.read()));
    expect(statuses).toEqual([0, 2, 0, 2, 0]);
  });

  it("may come in pieces, or in chunks", async () => {
    const text = postOf(request());
    for (const cut of [3, 60, text.length - 5]) {
      const client = newClient();
      client.send(text.slice(0, cut));
      await new Promise((resolve) => setTimeout(resolve, 20));
      client.send(text.slice(cut) + postOf(request()));
      expect([statusOf(await client.read()), statusOf(await client.read())]).toEqual([0, 0]);
    }
    const body = Buffer.from(request());
    const chunked = `${body.length.toString(16)}\r\n${body.toString("latin1")}\r\n0\r\n\r\n`;
    const headers = "Host: tsa\r\nContent-Type: application/timestamp-query\r\nTransfer-Encoding: chunked\r\n";
    expect(statusOf(await newClient().ask(`POST /tsa HTTP/1.1\r\n${headers}\r\n${chunked}`))).toBe(0);
  });

  it("is answered though its sender has ended its side, which then ends", async () => {
    const client = newClient();
    client.send(postOf(request()) + postOf(request()));
    client.end();
    expect([statusOf(await client.read()), statusOf(await client.read())]).toEqual([0, 0]);
    await expect.poll(() => client.isEnded).toBe(true);
  });

  it("is refused in band when the log fails, and when it fails though the token is in it", async () => {
    const client = newClient();
    for (const fault of ["beforeCommit", "afterCommit"] as const) {
      const before = Number(countTokens());
      tsa.storeFaults[fault] = () => {
        throw new Error("disk");
      };
      expect(readStatus((await client.ask(postOf(request()))).body)).toMatchObject({ status: 2, hasToken: false });
      delete tsa.storeFaults[fault];
      expect(countTokens()).toBe(fault === "beforeCommit" ? before : before + 1);
    }
    expect(statusOf(await client.ask(postOf(request())))).toBe(0);
  });
});

describe("a connection without requests", () => {
  it("is ended after the time that clients may keep it", async () => {
    const client = newClient();
    await client.ask(postOf(request()));
    await expect.poll(() => client.isEnded, { timeout: 10_000 }).toBe(true);
  });
});
