import { comparable, RawHttpClient, type RawResponse } from "@vcc-pki/testkit/raw-http";
import { type Certificate, parseOcspResponse } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inPath, question } from "./client.ts";
import { AUTHORITY, newOcsp, type OcspHarness } from "./harness.ts";

let suite: OcspHarness;
let issuer: Certificate;
let certificates: Certificate[];
beforeAll(async () => {
  suite = await newOcsp();
  issuer = await suite.authority(AUTHORITY);
  certificates = [await suite.issue(), await suite.issue(), await suite.issue()];
  await suite.revoke(certificates[2] as Certificate);
  await suite.ocsp.refresh();
});
afterAll(() => suite.close());

const newClient = () => new RawHttpClient(suite.ocsp.httpPort);

const octetsOf = (certificate: Certificate | undefined, options = {}) =>
  Buffer.from(question(issuer, [certificate?.serial ?? new Uint8Array(1)], options)).toString("latin1");
const HOST = "Host: ocsp\r\n";
const STRANGE = "X-Not-Plain: 1\r\n";
const postOf = (body: string, headers = "", path = `/ocsp/${AUTHORITY}`) =>
  `POST ${path} HTTP/1.1\r\n${HOST}Content-Type: application/ocsp-request\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;
const getOf = (body: string, headers = "") =>
  `GET /ocsp/${inPath(Buffer.from(body, "latin1"))} HTTP/1.1\r\n${HOST}${headers}\r\n`;
const statusOf = ({ body }: RawResponse) => {
  const response = parseOcspResponse(body);
  return response.responseStatus === "successful" ? response.data.responses[0]?.status : response.responseStatus;
};
describe("a plain question", () => {
  it.each<[string, (headers: string) => string]>([
    ["POST", (headers) => postOf(octetsOf(certificates[0]), headers)],
    ["GET", (headers) => getOf(octetsOf(certificates[0]), headers)],
    ["POST, revoked", (headers) => postOf(octetsOf(certificates[2]), headers)],
    ["GET, revoked", (headers) => getOf(octetsOf(certificates[2]), headers)],
    ["POST to /ocsp", (headers) => postOf(octetsOf(certificates[1]), headers, "/ocsp")],
    ["POST to another authority", (headers) => postOf(octetsOf(certificates[1]), headers, "/ocsp/vcc-platform-ca")],
    ["POST of garbage", (headers) => postOf("garbage", headers)],
    ["GET of garbage", (headers) => `GET /ocsp/garbage HTTP/1.1\r\n${HOST}${headers}\r\n`],
    ["POST with something in the path", (headers) => postOf(octetsOf(certificates[0]), headers, "/ocsp/MFEw")],
  ])("is answered as node:http does it, asked once and again: %s", async (_, requestWith) => {
    const client = newClient();
    const [first, again] = [await client.ask(requestWith("")), await client.ask(requestWith(""))];
    const slowly = await client.ask(requestWith(STRANGE));
    expect(comparable(again)).toEqual(comparable(first));
    expect(comparable(slowly)).toEqual(comparable(first));
    client.close();
  });

  it("is answered in its turn among others, also when it has to be signed first", async () => {
    const client = newClient();
    const [good, revoked] = [octetsOf(certificates[0]), octetsOf(certificates[2])];
    const signed = octetsOf(certificates[0], { nonce: Buffer.alloc(16, 7) });
    client.send([postOf(good), postOf(signed), getOf(revoked), postOf(good, STRANGE), getOf(good)].join(""));
    const statuses = [];
    for (let i = 0; i < 5; i++) statuses.push(statusOf(await client.read()));
    expect(statuses).toEqual(["good", "good", "revoked", "good", "good"]);
    client.close();
  });

  it("may come in pieces, and so may what follows it", async () => {
    const client = newClient();
    const [good, revoked] = [postOf(octetsOf(certificates[0])), postOf(octetsOf(certificates[2]))];
    for (const cut of [3, 40, good.length - 10]) {
      const other = newClient();
      other.send(good.slice(0, cut));
      await new Promise((resolve) => setTimeout(resolve, 20));
      other.send(good.slice(cut) + revoked);
      expect([statusOf(await other.read()), statusOf(await other.read())]).toEqual(["good", "revoked"]);
      other.close();
    }
    client.send(good + revoked.slice(0, 60));
    expect(statusOf(await client.read())).toBe("good");
    client.send(revoked.slice(60));
    expect(statusOf(await client.read())).toBe("revoked");
    client.close();
  });

  it("ends the connection of a client that ends its own", async () => {
    const client = newClient();
    const signed = octetsOf(certificates[0], { nonce: Buffer.alloc(16, 9) });
    client.send(postOf(octetsOf(certificates[0])) + postOf(signed));
    client.end();
    expect([statusOf(await client.read()), statusOf(await client.read())]).toEqual(["good", "good"]);
    await expect.poll(() => client.isEnded).toBe(true);
  });

  it("is answered with the truth on a connection that has been open for long", async () => {
    const certificate = await suite.issue();
    await suite.ocsp.refresh();
    const client = newClient();
    expect(statusOf(await client.ask(getOf(octetsOf(certificate))))).toBe("good");
    await suite.revoke(certificate);
    await suite.ocsp.pull();
    expect(statusOf(await client.ask(getOf(octetsOf(certificate))))).not.toBe("good");
    client.close();
  });
});

describe("what is not plain", () => {
  const body = () => octetsOf(certificates[0]);
  const withHeaders = (headers: string) => `POST /ocsp HTTP/1.1\r\n${headers}\r\n`;
  const TYPE = "Content-Type: application/ocsp-request\r\n";

  it.each<[string, () => string, number]>([
    ["two lengths", () => withHeaders(`${HOST}${TYPE}Content-Length: 5\r\nContent-Length: 6\r\n`) + body(), 400],
    [
      "a length and chunks",
      () => withHeaders(`${HOST}${TYPE}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n`),
      400,
    ],
    ["no host", () => withHeaders(`${TYPE}Content-Length: 5\r\n`) + body(), 400],
    ["a bare line feed", () => `POST /ocsp HTTP/1.1\n${HOST}${TYPE}Content-Length: 5\r\n\r\n`, 400],
    ["a control character", () => withHeaders(`${HOST}${TYPE}Accept: \u0001\r\nContent-Length: 5\r\n`) + body(), 400],
    ["a folded line", () => withHeaders(`${HOST}Accept: a\r\n b\r\n${TYPE}Content-Length: 5\r\n`) + body(), 400],
    ["another method", () => `PUT /ocsp HTTP/1.1\r\n${HOST}\r\n`, 405],
    ["another version", () => `GET /ocsp/M HTTP/3.0\r\n${HOST}\r\n`, 400],
    ["another path", () => `GET /crl/nobody/0.crl HTTP/1.1\r\n${HOST}\r\n`, 404],
  ])("gets what node:http gives: %s", async (_, request, status) => {
    const client = newClient();
    expect((await client.ask(request())).status).toBe(status);
    client.close();
  });

  it("leaves no trace in how the next request on the connection is read", async () => {
    const client = newClient();
    const chunked = `${withHeaders(`${HOST}${TYPE}Transfer-Encoding: chunked\r\n`)}${body().length.toString(16)}\r\n${body()}\r\n0\r\n\r\n`;
    client.send(chunked + getOf(octetsOf(certificates[2])));
    expect([statusOf(await client.read()), statusOf(await client.read())]).toEqual(["good", "revoked"]);
    client.close();
  });

  it("is told of a conditional request, or one to be closed after", async () => {
    const client = newClient();
    const { headers } = await client.ask(getOf(body()));
    expect((await client.ask(getOf(body(), `If-None-Match: ${headers.etag}\r\n`))).status).toBe(304);
    expect((await client.ask(getOf(body(), "Connection: close\r\n"))).headers.connection).toBe("close");
    client.close();
  });
});
