import { connect } from "node:net";
import { encode, imprintData, messageImprintOf } from "@vcc-pki/x509";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OpensslClient, post } from "./client.ts";
import { absurdOid, craft, longArc, readStatus, request } from "./craft.ts";
import { newTsa, POLICY, type TsaHarness } from "./harness.ts";

const openssl = new OpensslClient();
let tsa: TsaHarness;
beforeAll(async () => {
  tsa = await newTsa({
    config: {
      limits: { headers: "1s", request: "2s" },
      units: [{ name: "main", policies: [POLICY.main, POLICY.other] }],
    },
  });
});
afterAll(async () => {
  openssl.close();
  await tsa.close();
});

const refusal = async (body: Uint8Array, options?: Parameters<typeof post>[2]) => {
  const answer = await post(tsa.url, body, options);
  expect({ status: answer.status, type: answer.type }).toEqual({ status: 200, type: "application/timestamp-reply" });
  const status = readStatus(answer.body);
  expect(status).toMatchObject({ status: 2, hasToken: false });
  expect(status.text).not.toBe("");
  return status.failInfo;
};

const oid = (dotted: string) => encode((writer) => writer.oid(dotted));
const SHA1 = "1.3.14.3.2.26";
const MD5 = "1.2.840.113549.2.5";

describe("what cannot be answered with a token is refused in band", () => {
  it.each<[string, string, Uint8Array]>([
    ["nothing", "badDataFormat", new Uint8Array()],
    ["what is no DER", "badDataFormat", Buffer.from("GET / HTTP/1.0")],
    ["a request that is cut off", "badDataFormat", request().subarray(0, -3)],
    ["a request with something behind it", "badDataFormat", Buffer.concat([request(), Buffer.of(0)])],
    ["a request of indefinite length", "badDataFormat", Buffer.from("3080020101" + "0000", "hex")],
    ["version 0", "badRequest", craft({ version: 0 })],
    ["version 2", "badRequest", craft({ version: 2 })],
    ["SHA-1", "badAlg", craft({ hashOid: SHA1, digest: Buffer.alloc(20) })],
    ["MD5", "badAlg", craft({ hashOid: MD5, digest: Buffer.alloc(16) })],
    ["a hash nobody knows", "badAlg", craft({ hashOid: "1.2.3.4.5" })],
    ["a digest that is too short", "badDataFormat", craft({ digest: Buffer.alloc(31) })],
    ["a digest that is too long", "badDataFormat", craft({ digest: Buffer.alloc(33) })],
    ["no digest", "badDataFormat", craft({ digest: new Uint8Array() })],
    ["a policy that is not ours", "unacceptedPolicy", craft({ policyDer: oid("1.2.3.4") })],
    ["a policy that begins as ours", "unacceptedPolicy", craft({ policyDer: oid(`${POLICY.main}.1`) })],
    ["a critical extension", "unacceptedExtension", craft({ extension: ["1.2.3.4.5", true] })],
    ["another extension", "unacceptedExtension", craft({ extension: ["1.2.3.4.5", false] })],
    ["an object identifier of 3000 arcs", "badDataFormat", craft({ policyDer: absurdOid(3_000) })],
    ["an object identifier with an endless arc", "badDataFormat", craft({ policyDer: longArc(4_000) })],
    ["a nonce of 4 KiB", "badDataFormat", craft({ nonce: Buffer.alloc(4_096, 0x55) })],
    ["a nonce that is not in its shortest form", "badDataFormat", craft({ nonce: Buffer.of(0, 1) })],
    ["64 KiB", "badDataFormat", Buffer.alloc(64 * 1_024, 0x30)],
    ["1 MiB", "badDataFormat", Buffer.alloc(1_024 * 1_024, 0x30)],
  ])("%s: %s", async (_, failInfo, body) => {
    expect(await refusal(body)).toBe(failInfo);
  });

  it.each([
    "",
    "application/octet-stream",
    "application/timestamp-reply",
    "application/timestamp-query2",
    "text/plain",
  ])("media type %j: badRequest", async (type) => expect(await refusal(request(), { type })).toBe("badRequest"));

  it("a policy of another unit, where the address names one", async () => {
    expect(await refusal(request({ reqPolicy: POLICY.test }), { path: "/tsa/main" })).toBe("unacceptedPolicy");
  });

  it("and nothing is logged of it", async () => {
    const count = () => tsa.store.db.prepare("SELECT count(*) FROM tokens").pluck().get();
    const before = [count(), tsa.store.audit.head().sequence, tsa.store.outbox.pendingCount()];
    await refusal(craft({ version: 7 }));
    expect([count(), tsa.store.audit.head().sequence, tsa.store.outbox.pendingCount()]).toEqual(before);
  });

  it("whatever comes, the answer is a TimeStampResp", async () => {
    const good = request({ nonce: Buffer.of(0x11, 0x22), reqPolicy: POLICY.main });
    const mutated = fc
      .array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const copy = Buffer.from(good);
        for (const [at, octet] of changes) copy[at] = octet;
        return copy;
      });
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, fc.uint8Array({ maxLength: 300 })), async (body) => {
        const { status, body: answer } = await post(tsa.url, body);
        expect(status).toBe(200);
        expect([0, 2]).toContain(readStatus(answer).status);
      }),
      { numRuns: 300 },
    );
  });
});

describe("what is unusual is answered with a token", () => {
  it.each<[string, Uint8Array, Parameters<typeof post>[2]?]>([
    ["a hash algorithm with parameters NULL", openssl.query("null")],
    ["a media type in other letters, with parameters", request(), { type: "Application/Timestamp-Query; x=y" }],
    ["an address with two slashes", request(), { path: "//tsa" }],
    ["an address with a slash behind it", request(), { path: "/tsa/" }],
    ["a nonce of one octet", request({ nonce: Buffer.of(0) })],
    ["a negative nonce", request({ nonce: Buffer.of(0x80, 0x01) })],
    ["a nonce of 1 KiB", request({ nonce: Buffer.alloc(1_024, 0x55) })],
    ["SHA3-512", request({ messageImprint: imprintData("sha3-512", Buffer.from("x")) })],
    ["a digest of zeros", request({ messageImprint: messageImprintOf("sha256", Buffer.alloc(32)) })],
  ])("%s", async (_, query, options) => {
    const { body } = await post(tsa.url, query, options);
    expect(readStatus(body)).toMatchObject({ status: 0, hasToken: true });
    expect(await openssl.verify(tsa, query, body)).toBe("OK");
  });
});

describe("HTTP", () => {
  it.each([
    ["GET", "/tsa", 200],
    ["HEAD", "/tsa/main", 200],
    ["GET", "/", 404],
    ["POST", "/tsa/nobody", 404],
    ["POST", "/tsa/main/more", 404],
    ["POST", "/tsamain", 404],
    ["PUT", "/tsa", 405],
    ["DELETE", "/tsa/main", 405],
  ])("%s %s: %i", async (method, path, status) => {
    const body = method === "POST" || method === "PUT" ? new Uint8Array(request()) : undefined;
    const answer = await fetch(`${tsa.url}${path}`, { method, body });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  it("waits for no one who sends slowly", async () => {
    const say = (text: string) =>
      new Promise<string>((resolve) => {
        const socket = connect(tsa.tsa.httpPort, "127.0.0.1", () => socket.write(text));
        let heard = "";
        socket.on("data", (chunk) => (heard += chunk));
        socket.on("close", () => resolve(heard));
      });
    const headers = "POST /tsa HTTP/1.1\r\nHost: x\r\nContent-Type: application/timestamp-query\r\n";
    const [slowHeaders, slowBody, noHttp] = await Promise.all([
      say(headers),
      say(`${headers}Content-Length: 100\r\n\r\n0`),
      say("EHLO\r\n\r\n"),
    ]);
    expect(slowHeaders).toMatch(/^HTTP\/1.1 408 /);
    expect(slowBody).toMatch(/^HTTP\/1.1 408 /);
    expect(noHttp).toMatch(/^HTTP\/1.1 400 /);
  });
});
