import { connect, type Socket } from "node:net";
import { RevocationReason } from "@vcc-pki/proto/ca";
import { type Certificate, parseCertificateList, parseOcspResponse, pemDecode } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, inPath, post, prove, question } from "./client.ts";
import { AUTHORITY, newOcsp, type OcspHarness } from "./harness.ts";

let suite: OcspHarness;
let issuer: Certificate;
let certificate: Certificate;
let base64: string;
beforeAll(async () => {
  suite = await newOcsp({ config: { limits: { headers: "1s", request: "2s" } } });
  issuer = await suite.authority(AUTHORITY);
  certificate = await suite.issue();
  base64 = Buffer.from(question(issuer, [certificate.serial])).toString("base64");
  await suite.ca.ca.runChores();
  await suite.ocsp.refresh();
});
afterAll(() => suite.close());

/** Sends a path as it is; fetch would tidy it up. */
function get(path: string, headers: readonly string[] = []): Promise<{ status: number; head: string; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const socket = connect(suite.ocsp.httpPort, "127.0.0.1");
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("close", () => {
      const all = Buffer.concat(chunks);
      const end = all.indexOf("\r\n\r\n");
      const head = all.subarray(0, end).toString("latin1");
      resolve({ status: Number(head.split(" ")[1]), head, body: all.subarray(end + 4) });
    });
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ocsp\r\nConnection: close\r\n${headers.map((line) => `${line}\r\n`).join("")}\r\n`,
    );
  });
}

describe("GET", () => {
  it.each<[string, (text: string) => string]>([
    ["as it is", (text) => `/ocsp/${text}`],
    ["under the authority", (text) => `/ocsp/${AUTHORITY}/${text}`],
    ["escaped", (text) => `/ocsp/${encodeURIComponent(text)}`],
    ["escaped twice", (text) => `/ocsp/${encodeURIComponent(encodeURIComponent(text))}`],
    [
      "escaped in lower case",
      (text) => `/ocsp/${encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase())}`,
    ],
    [
      "with every character escaped",
      (text) => `/ocsp/${text.replace(/./g, (c) => `%${c.charCodeAt(0).toString(16)}`)}`,
    ],
    ["after two slashes", (text) => `/ocsp/${AUTHORITY}//${text}`],
    ["after two slashes at the start", (text) => `//ocsp/${text}`],
    ["without padding", (text) => `/ocsp/${text.replace(/=+$/, "")}`],
    ["with spaces for its plus signs", (text) => `/ocsp/${text.replaceAll("+", "%20")}`],
    ["as if we were a proxy", (text) => `http://pki.example:8081/ocsp/${text}`],
    ["with a query nobody asked for", (text) => `/ocsp/${text}?utm=1`],
  ])("finds the question %s", async (_, pathOf) => {
    const { status, body } = await get(pathOf(base64));
    expect(status).toBe(200);
    const { response } = prove(parseOcspResponse(body), issuer, certificate.serial, suite.clock.now());
    expect(response.status).toBe("good");
  });

  it("answers with what caches need (RFC 9919 section 7.2)", async () => {
    const response = await fetch(`${suite.url}/ocsp/${inPath(Buffer.from(base64, "base64"))}`);
    const { response: single } = prove(
      parseOcspResponse(await response.bytes()),
      ...([issuer, certificate.serial, suite.clock.now()] as const),
    );
    expect(response.headers.get("content-type")).toBe("application/ocsp-response");
    expect(response.headers.get("last-modified")).toBe(single.thisUpdate.toUTCString());
    expect(response.headers.get("expires")).toBe(single.nextUpdate?.toUTCString());
    expect(response.headers.get("etag")).toMatch(/^"[0-9a-f]{64}"$/);
    expect(response.headers.get("cache-control")).toBe("max-age=300, public, no-transform, must-revalidate");
  });

  it("promises no more than nextUpdate holds", async () => {
    const path = `${suite.url}/ocsp/${inPath(Buffer.from(base64, "base64"))}`;
    const first = await fetch(path);
    const nextUpdate = Date.parse(first.headers.get("expires") ?? "");
    suite.clock.step(nextUpdate - suite.clock.now().getTime() - 60_000);
    const late = await fetch(path);
    expect(late.headers.get("etag")).toBe(first.headers.get("etag"));
    expect(late.headers.get("cache-control")).toContain("max-age=59,");
    suite.clock.step(60_000);
    const next = await fetch(path); // signed now, since nobody has signed ahead
    expect(next.headers.get("etag")).not.toBe(first.headers.get("etag"));
    await suite.ocsp.signDue();
  });

  it("is conditional", async () => {
    const path = `${suite.url}/ocsp/${inPath(Buffer.from(base64, "base64"))}`;
    const full = await fetch(path);
    const etag = full.headers.get("etag") ?? "";
    const modified = full.headers.get("last-modified") ?? "";
    const statusWith = async (headers: Record<string, string>) => (await fetch(path, { headers })).status;
    expect(await statusWith({ "if-none-match": etag })).toBe(304);
    expect(await statusWith({ "if-none-match": `"other", W/${etag}` })).toBe(304);
    expect(await statusWith({ "if-none-match": '"other"', "if-modified-since": modified })).toBe(200);
    expect(await statusWith({ "if-modified-since": modified }), "a date is not exact enough").toBe(200);
  });

  it("with a nonce is for nobody else", async () => {
    const body = question(issuer, [certificate.serial], { nonce: new Uint8Array(32).fill(1) });
    const response = await fetch(`${suite.url}/ocsp/${inPath(body)}`);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("etag")).toBeNull();
  });

  it("gives no old answer once there is a newer one", async () => {
    const other = await suite.issue();
    await suite.ocsp.refresh();
    const options = { method: "GET" } as const;
    const status = async () =>
      prove(await ask(suite.url, issuer, other.serial, options), issuer, other.serial, suite.clock.now()).response
        .status;
    for (let i = 0; i < 3; i++) expect(await status()).toBe("good");
    await suite.revoke(other, RevocationReason.SUPERSEDED);
    await suite.ocsp.pull();
    for (let i = 0; i < 3; i++) expect(await status()).toBe("revoked");
  });
});

describe("HEAD", () => {
  it("is GET without the body", async () => {
    for (const path of [`/ocsp/${inPath(Buffer.from(base64, "base64"))}`, "/trust/bundle.pem"]) {
      const [head, full] = [await fetch(suite.url + path, { method: "HEAD" }), await fetch(suite.url + path)];
      expect(head.status).toBe(200);
      expect(head.headers.get("etag")).toBe(full.headers.get("etag"));
      expect(head.headers.get("content-length")).toBe(String((await full.bytes()).length));
      expect(await head.bytes()).toHaveLength(0);
    }
  });
});

describe("downloads", () => {
  it.each([
    [`/crl/${AUTHORITY}/0.crl`, "application/pkix-crl"],
    [`/aia/${AUTHORITY}.cer`, "application/pkix-cert"],
    ["/trust/bundle.pem", "application/pem-certificate-chain"],
    ["/trust/bundle-with-crls.pem", "application/x-pem-file"],
  ])("%s is %s, and conditional", async (path, mediaType) => {
    const response = await fetch(suite.url + path);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe(mediaType);
    expect(response.headers.get("cache-control")).toMatch(/^max-age=\d+, public, no-transform$/);
    const headers = { "if-none-match": response.headers.get("etag") ?? "" };
    expect((await fetch(suite.url + path, { headers })).status).toBe(304);
    const since = { "if-modified-since": response.headers.get("last-modified") ?? "" };
    expect((await fetch(suite.url + path, { headers: since })).status).toBe(304);
  });

  it("have the lists and certificates that are meant", async () => {
    const crl = parseCertificateList(await (await fetch(`${suite.url}/crl/${AUTHORITY}/0.crl`)).bytes());
    expect(crl.issuer.der).toEqual(issuer.subject.der);
    expect(Buffer.from(await (await fetch(`${suite.url}/aia/${AUTHORITY}.cer`)).bytes())).toEqual(
      Buffer.from(issuer.der),
    );
    const text = await (await fetch(`${suite.url}/trust/bundle-with-crls.pem`)).text();
    const [first] = pemDecode(text, "CERTIFICATE");
    expect(Buffer.from(first ?? [])).toEqual(Buffer.from((await suite.authority("vcc-root-ca")).der));
    expect(pemDecode(text, "X509 CRL").length).toBeGreaterThan(0);
  });

  it("change with the list", async () => {
    const path = `${suite.url}/crl/${AUTHORITY}/0.crl`;
    const before = await fetch(path);
    const other = await suite.issue();
    await suite.revoke(other);
    suite.clock.advance(2_000);
    await suite.ca.ca.runChores();
    await suite.ocsp.refresh();
    const after = await fetch(path, { headers: { "if-none-match": before.headers.get("etag") ?? "" } });
    expect(after.status).toBe(200);
    expect(parseCertificateList(await after.bytes()).findRevoked(other.serialHex)).toBeDefined();
    const delta = await fetch(`${suite.url}/crl/${AUTHORITY}/0-delta.crl`);
    expect(delta.headers.get("content-type")).toBe("application/pkix-crl");
    expect(parseCertificateList(await delta.bytes()).findRevoked(other.serialHex)).toBeDefined();
  });

  it.each(["/", "/crl/nobody/0.crl", `/crl/${AUTHORITY}/99.crl`, "/crl/../ocsp.db", "/ocspx", "/aia/vcc-services-ca"])(
    "%s does not exist",
    async (path) => expect((await get(path)).status).toBe(404),
  );

  it("are not changed by anyone", async () => {
    expect((await fetch(`${suite.url}/trust/bundle.pem`, { method: "PUT", body: "x" })).status).toBe(405);
    expect((await post(`${suite.url}/trust/bundle.pem`, new Uint8Array(1))).status).toBe(405);
    expect((await fetch(`${suite.url}/ocsp`, { method: "DELETE" })).status).toBe(405);
  });
});

describe("a client that takes its time", () => {
  const open = (text: string): Promise<Socket> =>
    new Promise((resolve) => {
      const socket = connect(suite.ocsp.httpPort, "127.0.0.1", () => {
        socket.write(text);
        resolve(socket);
      });
      socket.on("error", () => {});
    });
  const answered = async () =>
    expect((await post(`${suite.url}/ocsp`, Buffer.from(base64, "base64"))).status).toBe(200);

  it("does not stop others, and is sent away", async () => {
    const slow = await Promise.all(
      Array.from({ length: 300 }, (_, i) => open(i % 2 ? "POST /ocsp HTTP/1.1\r\nHost: o\r\nX-Slow: " : "")),
    );
    const post =
      "POST /ocsp HTTP/1.1\r\nHost: o\r\nContent-Type: application/ocsp-request\r\nContent-Length: 100\r\n\r\n0";
    const slowBody = await open(post);
    await answered();
    const texts = slow
      .slice(0, 2)
      .concat(slowBody)
      .map((socket) => socket.toArray().then((all) => Buffer.concat(all).toString()));
    for (const text of await Promise.all(texts)) expect(text).toMatch(/^(HTTP\/1.1 408 |$)/);
    await answered();
    for (const socket of slow) socket.destroy();
  });

  it("or sends headers without end gets 431, or no HTTP at all 400", async () => {
    const long = await open(`GET / HTTP/1.1\r\nX: ${"x".repeat(30_000)}\r\n\r\n`);
    expect(Buffer.concat(await long.toArray()).toString()).toMatch(/^HTTP\/1.1 431 /);
    const strange = await open("\u0016\u0003\u0001 client hello\r\n\r\n");
    expect(Buffer.concat(await strange.toArray()).toString()).toMatch(/^HTTP\/1.1 400 /);
    await answered();
  });
});
