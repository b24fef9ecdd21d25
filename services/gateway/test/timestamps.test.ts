import { hash } from "node:crypto";
import { isIncluded, leafHash } from "@vcc-pki/merkle";
import { POLICY } from "@vcc-pki/tsa/harness";
import { parseCertificate, pemDecode } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BulkTimestampAnswer, TimestampToken } from "../src/api/tsa.ts";
import { refused } from "./https.ts";
import { newTsaDoor, Openssl, type TsaDoor } from "./tsa-door.ts";

const TIMESTAMP = "/api/v1/tsa/timestamp";
const BULK = "/api/v1/tsa/bulk-timestamp";
const CERTIFICATE = "/api/v1/tsa/certificate";
const STATUS = "/api/v1/tsa/status";
const QUERY = { "content-type": "application/timestamp-query" };

const openssl = new Openssl();
let door: TsaDoor;
let chainPem: string;
beforeAll(async () => {
  door = await newTsaDoor();
  chainPem = (await door.knock({ path: CERTIFICATE })).text;
});
afterAll(async () => {
  openssl.close();
  await door.close();
});

const digestOf = (text: string) => hash("sha256", text);
const question = (text: string) => ({ hash_algorithm: "sha256", digest: digestOf(text) });
const bulk = (mode: string, texts: readonly string[]) => ({
  ...{ mode, hash_algorithm: "sha256", digests: texts.map(digestOf) },
});
const texts = (count: number) => Array.from({ length: count }, (_, i) => `item ${i}`);
const trust = () => ({ rootPem: door.rootPem, chainPem });
const verifyToken = ({ token }: TimestampToken, query: Buffer) =>
  openssl.verify(query, { token: Buffer.from(token, "base64") }, trust());
describe("a query in octets", () => {
  const ask = (body: Buffer, path = TIMESTAMP) => door.knock({ path, body, headers: QUERY });

  it("is answered with a response that OpenSSL accepts, by the unit that is named", async () => {
    for (const path of [TIMESTAMP, `${TIMESTAMP}?unit=other`]) {
      const query = openssl.query("octets", "-cert", "-sha384");
      const answer = await ask(query, path);
      expect([answer.status, answer.headers["content-type"]]).toEqual([200, "application/timestamp-reply"]);
      expect(openssl.verify(query, { response: answer.body }, trust())).toBe("OK");
      expect(openssl.verify(openssl.query("other octets"), { response: answer.body }, trust())).not.toBe("OK");
      expect(openssl.show(answer.body)).toContain(path === TIMESTAMP ? POLICY.main : POLICY.other);
    }
  });

  it.each([
    ["that is none", () => Buffer.from("garbage"), "wrong format"],
    ["of SHA-1", () => openssl.query("sha1", "-sha1"), "unrecognized or unsupported algorithm"],
    ["of a foreign policy", () => openssl.query("x", "-tspolicy", "1.2.3"), "policy is not supported"],
    ["of 9 KiB", () => Buffer.alloc(9 * 1024, 0x30), "wrong format"],
  ])("%s is refused in band", async (_what, query, failure) => {
    const answer = await ask(query());
    expect([answer.status, answer.headers["content-type"]]).toEqual([200, "application/timestamp-reply"]);
    const shown = openssl.show(answer.body);
    expect(shown).toContain("Status: Rejected");
    expect(shown).toMatch(new RegExp(failure));
  });

  it("is refused without its octets, when there are far too many, and for nobody's unit", async () => {
    const empty = door.knock({ path: TIMESTAMP, method: "POST", body: "", headers: QUERY });
    expect(await refused(empty)).toEqual([400, "REQUEST_MALFORMED"]);
    expect(await refused(ask(Buffer.alloc(65 * 1024)))).toEqual([413, "REQUEST_TOO_LARGE"]);
    expect(await refused(ask(openssl.query("x"), `${TIMESTAMP}?unit=nobody`))).toEqual([404, "NOT_FOUND"]);
  });

  it("is taken nowhere else", async () => {
    const elsewhere = door.knock({ path: BULK, body: openssl.query("x"), headers: QUERY });
    expect(await refused(elsewhere)).toEqual([415, "MEDIA_TYPE_NOT_SUPPORTED"]);
  });
});

describe("a question in JSON", () => {
  const ask = (body: object, headers = {}) => door.knock({ path: TIMESTAMP, body, headers });

  it("is answered with a token that OpenSSL accepts", async () => {
    const answer = await ask({ ...question("json"), cert_req: true, policy: POLICY.other });
    const token = answer.json() as unknown as TimestampToken;
    expect(answer.status).toBe(200);
    expect(token).toEqual({
      ...{ ...question("json"), policy: POLICY.other, unit: "other", test: false },
      gen_time: door.tsa.clock.now().toISOString(),
      serial_number: expect.stringMatching(/^([0-9a-f]{2})+$/),
      token: expect.any(String),
    });
    expect(verifyToken(token, openssl.query("json", "-no_nonce"))).toBe("OK");
    expect(verifyToken(token, openssl.query("other", "-no_nonce"))).not.toBe("OK");
  });

  it("has its nonce in the token, also one with its high bit set", async () => {
    for (const nonce of ["00ff12", "ff12"]) {
      const { token } = (await ask({ ...question("nonce"), nonce })).json() as unknown as TimestampToken;
      expect(Buffer.from(token, "base64").includes(Buffer.of(0x02, 0x03, 0x00, 0xff, 0x12))).toBe(true);
    }
  });

  it("says that a token of a unit for trying out is worth nothing", async () => {
    expect((await ask({ ...question("trial"), policy: POLICY.test })).json()).toMatchObject({
      unit: "trial",
      test: true,
    });
  });

  it("has one answer under one Idempotency-Key", async () => {
    const key = { "idempotency-key": "stamp-1" };
    const [first, again] = [await ask(question("once"), key), await ask(question("once"), key)];
    expect(again.json()).toEqual(first.json());
    expect(await refused(ask(question("twice"), key))).toEqual([409, "REQUEST_ID_REUSED"]);
  });

  it.each<[string, object, number, string, string]>([
    ["of SHA-1", { hash_algorithm: "sha1", digest: "00".repeat(20) }, 400, "ALGORITHM_NOT_ALLOWED", "badAlg"],
    ["with a short digest", { digest: "00" }, 400, "REQUEST_MALFORMED", "badDataFormat"],
    ["under a foreign policy", { policy: "1.2.3" }, 404, "NOT_FOUND", "unacceptedPolicy"],
  ])("%s is refused by the tsa", async (_what, fields, status, code, failInfo) => {
    const answer = await ask({ ...question("x"), ...fields });
    expect(answer.headers["content-type"]).toContain("application/problem+json");
    expect([answer.status, answer.json()]).toMatchObject([status, { code, details: { failInfo } }]);
  });

  it.each<[string, object]>([
    ["without digest", { digest: undefined }],
    ["with a digest that is none", { digest: "xyz" }],
    ["with an endless digest", { digest: "00".repeat(65) }],
    ["with an endless nonce", { nonce: "01".repeat(65) }],
    ["under a policy that is none", { policy: "1.2.banana" }],
    ["with more than is known", { more: 1 }],
  ])("%s is malformed", async (_what, fields) => {
    expect(await refused(ask({ ...question("x"), ...fields }))).toEqual([400, "REQUEST_MALFORMED"]);
  });

  it("is refused when it is too large", async () => {
    expect(await refused(ask({ digest: "0".repeat(65 * 1024) }))).toEqual([413, "REQUEST_TOO_LARGE"]);
  });
});

describe("a bulk", () => {
  const ask = async (body: object) => {
    const answer = await door.knock({ path: BULK, body });
    expect(answer.status).toBe(200);
    return answer.json() as unknown as BulkTimestampAnswer;
  };

  it("gives each digest a token of its own, and refuses what is wrong with one for that one", async () => {
    const { digests, ...asked } = bulk("single", texts(150));
    const { root, items } = await ask({ ...asked, digests: [...digests, "00"] });
    expect([root, items.map(({ index }) => index)]).toEqual([undefined, Array.from({ length: 151 }, (_, i) => i)]);
    const tokens = items.flatMap((item) => ("token" in item ? [item.token] : []));
    expect(tokens.map(({ digest }) => digest)).toEqual(digests);
    expect(new Set(tokens.map(({ serial_number }) => serial_number)).size).toBe(150);
    expect(verifyToken(tokens[77] as TimestampToken, openssl.query("item 77", "-no_nonce"))).toBe("OK");
    expect(items[150]).toMatchObject({ refusal: { code: "REQUEST_MALFORMED", fail_info: "badDataFormat" } });
  });

  it("is stamped by the root of its tree, with a proof for each digest", async () => {
    const { root, items } = await ask(bulk("merkle", texts(777)));
    if (root === undefined) throw new Error("no root");
    const rootHash = Buffer.from(root.digest, "hex");
    for (const [i, text] of texts(777).entries()) {
      const item = items[i];
      if (item === undefined || !("proof" in item)) throw new Error("no proof");
      const { leaf_index: leafIndex, tree_size: treeSize, path } = item.proof;
      const proof = { leafIndex, treeSize, path: path.map((node) => Buffer.from(node, "hex")) };
      expect(isIncluded(leafHash(Buffer.from(digestOf(text), "hex")), proof, rootHash)).toBe(true);
      expect(isIncluded(leafHash(Buffer.from(digestOf("x"), "hex")), proof, rootHash)).toBe(false);
    }
    expect(verifyToken(root, openssl.queryDigest(root.digest))).toBe("OK");
  });

  it("may have 10000 digests of 64 octets", async () => {
    const digests = Array.from({ length: 10_000 }, (_, i) => hash("sha512", String(i)));
    const { items } = await ask({ mode: "merkle", hash_algorithm: "sha512", digests });
    expect(items).toHaveLength(10_000);
  });

  it("of a tree is refused as a whole", async () => {
    const answer = await door.knock({ path: BULK, body: { ...bulk("merkle", []), digests: [digestOf("x"), "00"] } });
    expect([answer.status, answer.json()]).toMatchObject([
      400,
      { code: "REQUEST_MALFORMED", details: { failInfo: "badDataFormat" } },
    ]);
  });

  it.each<[string, object, number, string]>([
    ["of nothing", bulk("single", []), 400, "REQUEST_MALFORMED"],
    ["of no kind", bulk("forest", ["x"]), 400, "REQUEST_MALFORMED"],
    ["of what is no digest", { ...bulk("single", []), digests: ["xyz"] }, 400, "REQUEST_MALFORMED"],
    ["of 10001", { ...bulk("merkle", []), digests: new Array(10_001).fill(digestOf("")) }, 400, "REQUEST_MALFORMED"],
    ["of more than 2 MiB", { ...bulk("merkle", []), digests: ["0".repeat(2 << 20)] }, 413, "REQUEST_TOO_LARGE"],
  ])("%s is refused", async (_what, body, status, code) => {
    expect(await refused(door.knock({ path: BULK, body }))).toEqual([status, code]);
  });
});

describe("what is known of the tsa", () => {
  it("are its certificates, each with its issuers", async () => {
    const answer = await door.knock({ path: `${CERTIFICATE}?unit=other` });
    expect(answer.headers["content-type"]).toContain("application/pem-certificate-chain");
    const [leaf, issuer, ...more] = pemDecode(answer.text, "CERTIFICATE").map((der) => parseCertificate(der));
    expect(leaf?.der).toEqual((await door.tsa.certificates("other"))[0]?.der);
    expect([leaf?.issuer.der, more]).toEqual([issuer?.subject.der, []]);
    expect(pemDecode(chainPem, "CERTIFICATE")).toHaveLength(6);
  });

  it("is its clock, and whether its units sign", async () => {
    const clock = { unproven: false, evidence_id: expect.any(String), error_ms: expect.any(Number) };
    const status = (await door.knock({ path: STATUS })).json();
    expect(status).toMatchObject({ replica: "1", clock, tokens: expect.any(Number) });
    expect(status.units).toMatchObject([
      { unit: "main", policies: [POLICY.main], key_algorithm: "ec-p256", accuracy_ms: 1_000, test: false },
      { unit: "other" },
      { unit: "trial", test: true },
    ]);
    expect(JSON.stringify(status)).not.toContain("unavailable");
  });

  it.each([
    [`${CERTIFICATE}?unit=nobody`, 404, "NOT_FOUND"],
    [`${CERTIFICATE}?unit=${"x".repeat(40)}`, 400, "REQUEST_MALFORMED"],
    [`${CERTIFICATE}?units=main`, 400, "REQUEST_MALFORMED"],
    [`${STATUS}?unit=main`, 400, "REQUEST_MALFORMED"],
  ])("is not told at %s", async (path, status, code) => {
    expect(await refused(door.knock({ path }))).toEqual([status, code]);
  });
});

describe.each<[string, object | undefined]>([
  [TIMESTAMP, question("x")],
  [BULK, bulk("single", ["x"])],
  [CERTIFICATE, undefined],
  [STATUS, undefined],
])("%s", (path, body) => {
  it("is for nobody without a certificate", async () => {
    expect(await refused(door.knock({ path, body, as: undefined }))).toEqual([401, "CALLER_UNAUTHENTICATED"]);
  });

  it("answers PEER_UNAVAILABLE while the tsa is away", async () => {
    expect(await refused(door.knockWithoutTsa({ path, body }))).toEqual([503, "PEER_UNAVAILABLE"]);
  });
});

it("without a proven time nothing is stamped, and the answer says why", async () => {
  for (const server of door.tsa.servers) server.isAway = true;
  door.tsa.clock.advance(300_000);
  await door.tsa.tsa.refresh();
  const failInfo = "timeNotAvailable";
  const answer = await door.knock({ path: TIMESTAMP, body: question("late") });
  expect([answer.status, answer.json()]).toMatchObject([503, { code: "TIME_NOT_AVAILABLE", details: { failInfo } }]);
  const { items } = (await door.knock({ path: BULK, body: bulk("single", ["late"]) })).json();
  expect(items).toMatchObject([{ refusal: { code: "TIME_NOT_AVAILABLE", fail_info: failInfo } }]);
  const inBand = await door.knock({ path: TIMESTAMP, body: openssl.query("late"), headers: QUERY });
  expect([inBand.status, openssl.show(inBand.body)]).toEqual([200, expect.stringContaining("time source")]);
  expect((await door.knock({ path: STATUS })).json()).toMatchObject({ clock: { unavailable: expect.any(String) } });
});
