import { hash } from "node:crypto";
import { POLICY } from "@vcc-pki/tsa/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StampedDocument } from "../src/api/stamped-document.ts";
import type { TimestampCheckAnswer } from "../src/api/time-stamp-check.ts";
import type { TimestampToken } from "../src/api/tsa.ts";
import { refused } from "./https.ts";
import { newTsaDoor, Openssl, type TsaDoor } from "./tsa-door.ts";

const TIMESTAMP = "/api/v1/tsa/timestamp";
const VERIFY = "/api/v1/tsa/verify";
const TOKENS = "/api/v1/tsa/tokens";
const MODEL = "/api/v1/tsa/vcc/clara/model";
const WORKFLOW = "/api/v1/tsa/vcc/covina/workflow";
const PIPELINE = "/api/v1/tsa/vcc/veritas/pipeline";

const openssl = new Openssl();
let door: TsaDoor;
let token: TimestampToken;
const data = Buffer.from("what was there");
const digest = hash("sha256", data);
beforeAll(async () => {
  door = await newTsaDoor();
  const body = { hash_algorithm: "sha256", digest, nonce: "ff12", cert_req: true };
  token = (await door.knock({ path: TIMESTAMP, body })).json() as unknown as TimestampToken;
});
afterAll(async () => {
  openssl.close();
  await door.close();
});

describe("verify", () => {
  const ask = async (body: object) => {
    const answer = await door.knock({ path: VERIFY, body });
    expect(answer.status).toBe(200);
    return answer.json() as unknown as TimestampCheckAnswer;
  };
  const failing = ({ checks }: TimestampCheckAnswer) => checks.flatMap(({ name, ok }) => (ok ? [] : [name]));
  const about = { hash_algorithm: "sha256", digest };

  it("says of a token that every check holds, whichever way it is said what was stamped", async () => {
    for (const stamped of [about, { data: data.toString("base64") }, { document: data.toString() }]) {
      const answer = await ask({ token: token.token, ...stamped, nonce: "ff12", policies: [POLICY.main] });
      expect(failing(answer)).toEqual([]);
      expect(answer).toMatchObject({ ok: true, gen_time: token.gen_time, serial_number: token.serial_number });
      expect([answer.policy, answer.signer]).toEqual([POLICY.main, expect.stringContaining("BEGIN CERTIFICATE")]);
      expect(answer.checks.map(({ name }) => name)).toEqual(
        expect.arrayContaining(["signature", "message-imprint", "nonce", "policy", "tsa-name", "path"]),
      );
    }
  });

  it("takes a whole response as well", async () => {
    const headers = { "content-type": "application/timestamp-query" };
    const response = await door.knock({ path: TIMESTAMP, body: openssl.query("what was there", "-cert"), headers });
    expect(failing(await ask({ token: response.body.toString("base64"), ...about }))).toEqual([]);
  });

  it.each<[string, object, string]>([
    ["other data", { data: Buffer.from("else").toString("base64") }, "message-imprint"],
    ["another nonce", { ...about, nonce: "05" }, "nonce"],
    ["another policy", { ...about, policies: [POLICY.other] }, "policy"],
  ])("names what is wrong with %s", async (_what, body, check) => {
    const answer = await ask({ token: token.token, ...body });
    expect([answer.ok, failing(answer)]).toEqual([false, [check]]);
  });

  it("says of what is no token that it is not well-formed", async () => {
    const answer = await ask({ token: Buffer.from("rubbish").toString("base64"), ...about });
    expect([answer.ok, failing(answer)[0], answer.signer]).toEqual([false, "well-formed", undefined]);
  });

  it("judges by lists and roots that are brought along, which have to be some", async () => {
    const brought = { anchors: [door.rootPem] };
    expect(failing(await ask({ token: token.token, ...about, ...brought }))).toEqual([]);
    expect(failing(await ask({ token: token.token, ...about, require_revocation: true }))).not.toEqual([]);
    const list = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";
    const answer = door.knock({ path: VERIFY, body: { token: token.token, ...about, crls: [list] } });
    expect(await refused(answer)).toEqual([400, "CRL_MALFORMED"]);
  });

  it.each<[string, object]>([
    ["without saying what was stamped", {}],
    ["saying it twice", { ...about, data: "AAAA" }],
    ["with a digest of no hash", { digest }],
    ["with a hash of no digest", { document: "x", hash_algorithm: "sha256" }],
    ["without token", { ...about, token: undefined }],
    ["with a token that is not base64", { ...about, token: "*" }],
    ["with an endless token", { ...about, token: "A".repeat(100_000) }],
    ["with anchors that are no PEM", { ...about, anchors: ["root"] }],
    ["with 33 anchors", { ...about, anchors: new Array(33).fill("-----BEGIN CERTIFICATE-----") }],
    ["with more than is known", { ...about, more: 1 }],
  ])("%s is malformed", async (_what, body) => {
    expect(await refused(door.knock({ path: VERIFY, body: { token: token.token, ...body } }))).toEqual([
      400,
      "REQUEST_MALFORMED",
    ]);
  });

  it("is refused when it is too large", async () => {
    const answer = door.knock({ path: VERIFY, body: { token: token.token, document: "x".repeat(2 << 20) } });
    expect(await refused(answer)).toEqual([413, "REQUEST_TOO_LARGE"]);
  });
});

describe("the log", () => {
  it("has a token by its serial number and by its digest", async () => {
    expect((await door.knock({ path: `${TOKENS}/${token.serial_number}` })).json()).toEqual(token);
    const { tokens, next_page_token } = (await door.knock({ path: `${TOKENS}?digest=${digest}&page_size=1` })).json();
    const rest = (await door.knock({ path: `${TOKENS}?digest=${digest}&page_token=${next_page_token}` })).json();
    expect([...(tokens as object[]), ...(rest.tokens as object[])]).toContainEqual(token);
  });

  it("has nothing for another organisation", async () => {
    const as = door.stranger;
    expect(await refused(door.knock({ path: `${TOKENS}/${token.serial_number}`, as }))).toEqual([404, "NOT_FOUND"]);
    expect((await door.knock({ path: `${TOKENS}?digest=${digest}`, as })).json()).toEqual({ tokens: [] });
  });

  it.each([
    [`${TOKENS}/00`, 404, "NOT_FOUND"],
    [`${TOKENS}/XY`, 400, "REQUEST_MALFORMED"],
    [`${TOKENS}/${"00".repeat(22)}`, 400, "REQUEST_MALFORMED"],
    [TOKENS, 400, "REQUEST_MALFORMED"],
    [`${TOKENS}?digest=xyz`, 400, "REQUEST_MALFORMED"],
    [`${TOKENS}?digest=${"0".repeat(64)}&page_size=1001`, 400, "REQUEST_MALFORMED"],
    [`${TOKENS}?digest=${"0".repeat(64)}&page_token=x`, 400, "REQUEST_MALFORMED"],
  ])("answers %s with %i", async (path, status, code) => {
    expect(await refused(door.knock({ path }))).toEqual([status, code]);
  });
});

describe.each<[string, string, Readonly<Record<string, unknown>>]>([
  [MODEL, "clara-model", { model_hash: digest, model_name: "recht-de-lora", model_version: "3.1" }],
  [WORKFLOW, "covina-workflow", { workflow_hash: digest, workflow_id: "w-17" }],
  [PIPELINE, "veritas-pipeline", { pipeline_hash: digest, pipeline_id: "p-4", pipeline_config: { steps: [1, "b"] } }],
])("a document at %s", (path, type, fields) => {
  const metadata = { z: 1.5, a: ["ä", null, true], base: { model: "llama" } };
  const ask = async (headers = {}) => {
    const answer = await door.knock({ path, body: { ...fields, metadata }, headers });
    expect(answer.status).toBe(200);
    return answer.json() as unknown as StampedDocument;
  };
  const trust = async () => ({
    rootPem: door.rootPem,
    chainPem: (await door.knock({ path: "/api/v1/tsa/certificate" })).text,
  });

  it("has everything that was said inside, in its one canonical form, and OpenSSL verifies its octets", async () => {
    const { document, token } = await ask();
    expect(JSON.parse(document)).toEqual({ ...fields, metadata, type, organisation: "vcc" });
    expect(document).toContain('"metadata":{"a":["ä",null,true],"base":{"model":"llama"},"z":1.5}');
    expect(document).not.toMatch(/\s/);
    expect(token.digest).toBe(hash("sha256", document));
    const octets = Buffer.from(token.token, "base64");
    expect(openssl.verifyData(Buffer.from(document), octets, await trust())).toBe("OK");
    expect(openssl.verifyData(Buffer.from(document.replace("1.5", "1.6")), octets, await trust())).not.toBe("OK");
    const checked = await door.knock({ path: VERIFY, body: { token: token.token, document } });
    expect(checked.json()).toMatchObject({ ok: true });
  });

  it("has one answer under one Idempotency-Key", async () => {
    const headers = { "idempotency-key": `document-${type}` };
    expect(await ask(headers)).toEqual(await ask(headers));
    const other = door.knock({ path, headers, body: { ...fields, metadata: { z: 2 } } });
    expect(await refused(other)).toEqual([409, "REQUEST_ID_REUSED"]);
  });

  const [digestField = ""] = Object.keys(fields);
  const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });
  it.each<[string, object]>([
    ["without its digest", { [digestField]: undefined }],
    ["with a digest of another hash", { [digestField]: "00".repeat(20) }],
    ["with metadata that are none", { metadata: "text" }],
    ["with a number that no double holds", { metadata: { a: 2 ** 60 } }],
    ["with half a character", { metadata: { a: "\ud800" } }],
    ["with metadata that are too deep", { metadata: deep(20) }],
    ["with more than is known", { more: 1 }],
  ])("%s is malformed", async (_what, change) => {
    const body = { ...fields, metadata, ...change };
    expect(await refused(door.knock({ path, body }))).toEqual([400, "REQUEST_MALFORMED"]);
  });

  it("is refused when it is too large, for nobody's unit, and when the tsa is away", async () => {
    const large = { ...fields, metadata: { a: "x".repeat(65 * 1024) } };
    expect(await refused(door.knock({ path, body: large }))).toEqual([413, "REQUEST_TOO_LARGE"]);
    expect(await refused(door.knock({ path: `${path}?unit=nobody`, body: fields }))).toEqual([404, "NOT_FOUND"]);
    expect(await refused(door.knockWithoutTsa({ path, body: fields }))).toEqual([503, "PEER_UNAVAILABLE"]);
  });
});

describe.each<[string, object | undefined]>([
  [VERIFY, { token: "AAAA", document: "x" }],
  [TOKENS, undefined],
  [MODEL, {}],
  [WORKFLOW, {}],
  [PIPELINE, {}],
])("%s", (path, body) => {
  it("is for nobody without a certificate", async () => {
    expect(await refused(door.knock({ path, body, as: undefined }))).toEqual([401, "CALLER_UNAUTHENTICATED"]);
  });
});

it("without a proven time no document is stamped, and the answer says why", async () => {
  for (const server of door.tsa.servers) server.isAway = true;
  door.tsa.clock.advance(300_000);
  await door.tsa.tsa.refresh();
  const answer = await door.knock({ path: WORKFLOW, body: { workflow_hash: digest, workflow_id: "late" } });
  const details = { failInfo: "timeNotAvailable" };
  expect([answer.status, answer.json()]).toMatchObject([503, { code: "TIME_NOT_AVAILABLE", details }]);
});
