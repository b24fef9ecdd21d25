import { createHash, hash, randomUUID } from "node:crypto";
import { isIncluded, leafHash } from "@vcc-pki/merkle";
import {
  type BulkItem,
  BulkMode,
  type BulkTimestampRequest,
  type BulkTimestampResponse,
  type TimestampQuery,
  type TimestampRequest,
  type TimestampStreamRequest,
  type TimestampStreamRequest_Item,
} from "@vcc-pki/proto/tsa";
import { timeStampResp } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OpensslClient, post } from "./client.ts";
import { craft, DATA, readStatus, request as requestDer } from "./craft.ts";
import { newTsa, POLICY, type TsaHarness } from "./harness.ts";

const BERLIN = "spiffe://vcc.internal/org/berlin/admin/erika";
const BRANDENBURG = "spiffe://vcc.internal/org/brandenburg/admin/anna";

const openssl = new OpensslClient();
let tsa: TsaHarness;
beforeAll(async () => {
  tsa = await newTsa({
    config: {
      units: [
        { name: "main", policies: [POLICY.main] },
        { name: "other", policies: [POLICY.other] },
      ],
    },
  });
});
afterAll(async () => {
  openssl.close();
  await tsa.close();
});

const code = (expected: string) => expect.objectContaining({ code: expected });
const gateway = (requester = BRANDENBURG) => tsa.as("gateway", requester);
const query = (fields: Partial<TimestampQuery> = {}): TimestampQuery => ({
  messageImprint: { hashAlgorithm: "sha256", digest: hash("sha256", DATA, "buffer") },
  ...{ policyOid: "", nonce: new Uint8Array(), certReq: true },
  ...fields,
});
const ask = (
  fields: Partial<TimestampRequest> & { readonly query?: Partial<TimestampQuery> } = {},
): TimestampRequest => ({
  ...{ requestId: randomUUID(), unit: fields.unit ?? "" },
  question: { $case: "query", value: query(fields.query) },
  ...("question" in fields && { question: fields.question }),
  ...("requestId" in fields && { requestId: fields.requestId ?? "" }),
});
const digests = (count: number) =>
  Array.from({ length: count }, (_, i) => createHash("sha256").update(`item ${i}`).digest());
const bulkOf = (fields: Partial<BulkTimestampRequest>): BulkTimestampRequest => ({
  ...{ requestId: randomUUID(), unit: "", mode: BulkMode.SINGLE_TOKENS, hashAlgorithm: "sha256", digests: digests(3) },
  ...{ policyOid: "", certReq: false },
  ...fields,
});
async function collect(answers: AsyncIterable<BulkTimestampResponse>) {
  const messages: BulkTimestampResponse[] = [];
  for await (const message of answers) messages.push(message);
  const items = messages.flatMap((message) => message.items).sort((a, b) => a.index - b.index);
  return { messages, items };
}
const tokenOf = ({ outcome }: BulkItem) => (outcome?.$case === "token" ? outcome.value : undefined);

describe("Timestamp", () => {
  it("answers octets as HTTP does", async () => {
    const value = openssl.query("octets", "-cert");
    const { timeStampResp: response, outcome } = await gateway().timestamp(
      ask({ question: { $case: "timeStampReq", value } }),
    );
    expect(await openssl.verify(tsa, value, response)).toBe("OK");
    expect(outcome).toMatchObject({ $case: "token", value: { unit: "main", policyOid: POLICY.main, test: false } });
  });

  it("answers a question that is spelled out, in the unit and under the policy it names", async () => {
    const nonce = Buffer.of(0x00, 0xff, 0x12);
    const { outcome } = await gateway().timestamp(ask({ unit: "other", query: { policyOid: POLICY.other, nonce } }));
    if (outcome?.$case !== "token") throw new Error("refused");
    const { tokenDer, unit, policyOid, genTime, messageImprint } = outcome.value;
    expect({ unit, policyOid, genTime }).toEqual({ unit: "other", policyOid: POLICY.other, genTime: tsa.clock.now() });
    expect(messageImprint?.digest).toEqual(new Uint8Array(hash("sha256", DATA, "buffer")));
    const asked = requestDer({ nonce, reqPolicy: POLICY.other });
    expect(await openssl.verify(tsa, asked, timeStampResp.granted(tokenDer))).toBe("OK");
  });

  it.each<[string, string, Partial<TimestampQuery>]>([
    ["SHA-1", "badAlg", { messageImprint: { hashAlgorithm: "sha1", digest: Buffer.alloc(20) } }],
    ["what every object has", "badAlg", { messageImprint: { hashAlgorithm: "constructor", digest: Buffer.alloc(20) } }],
    ["no imprint", "badAlg", { messageImprint: undefined }],
    ["a short digest", "badDataFormat", { messageImprint: { hashAlgorithm: "sha256", digest: Buffer.alloc(20) } }],
    ["a policy that is none", "badDataFormat", { policyOid: "1.2.banana" }],
    ["a foreign policy", "unacceptedPolicy", { policyOid: "1.2.3" }],
    ["a nonce in a longer form", "badDataFormat", { nonce: Buffer.of(0, 1) }],
    ["a nonce of 4 KiB", "badDataFormat", { nonce: Buffer.alloc(4_096, 1) }],
  ])("refuses %s in band: %s", async (_, failInfo, fields) => {
    const { timeStampResp: response, outcome } = await gateway().timestamp(ask({ query: fields }));
    expect(outcome).toMatchObject({ $case: "refusal", value: { failInfo } });
    expect(readStatus(response)).toMatchObject({ status: 2, failInfo, hasToken: false });
  });

  it("answers a repeat with the same token, and refuses another question under the same id", async () => {
    const first = ask();
    const answers = await Promise.all([gateway().timestamp(first), gateway().timestamp(first)]);
    const again = await gateway().timestamp(first);
    expect(new Set([...answers, again].map(({ timeStampResp: der }) => Buffer.from(der).toString("hex"))).size).toBe(1);
    const other = { ...first, question: { $case: "query" as const, value: query({ certReq: false }) } };
    await expect(gateway().timestamp(other)).rejects.toThrow(code("REQUEST_ID_REUSED"));
    const foreign = await gateway(BERLIN).timestamp(first);
    expect(foreign.outcome?.value).not.toMatchObject({ serialHex: serialOf(again) });
  });

  it.each<[string, Partial<TimestampRequest>, string]>([
    ["without request id", { requestId: "" }, "REQUEST_MALFORMED"],
    ["with an endless request id", { requestId: "x".repeat(129) }, "REQUEST_MALFORMED"],
    ["with a blank in its request id", { requestId: "a 1" }, "REQUEST_MALFORMED"],
    ["without question", { question: undefined }, "REQUEST_MALFORMED"],
    ["to nobody's unit", { unit: "nobody" }, "NOT_FOUND"],
    ["of 2 MiB", { question: { $case: "timeStampReq", value: Buffer.alloc(2 << 20) } }, "REQUEST_TOO_LARGE"],
  ])("refuses a call %s", async (_, fields, expected) => {
    await expect(gateway().timestamp(ask(fields))).rejects.toThrow(code(expected));
  });
});

const serialOf = ({ outcome }: Awaited<ReturnType<ReturnType<typeof gateway>["timestamp"]>>) =>
  outcome?.$case === "token" ? outcome.value.serialHex : undefined;

describe("TimestampStream", () => {
  const ofStream = async (requests: readonly (TimestampRequest | undefined)[], remote = gateway()) => {
    const items = requests.map((request, id) => ({ id, request }));
    const answers = [];
    for await (const message of remote.timestampStream(oneMessage(items))) answers.push(...message.items);
    return answers.sort((a, b) => a.id - b.id).map(({ outcome }) => outcome);
  };
  async function* oneMessage(items: TimestampStreamRequest_Item[]): AsyncGenerator<TimestampStreamRequest> {
    yield { items };
  }

  it("answers each item as a call of its own would, under the same request id with the same token", async () => {
    const [first, second] = [ask(), ask({ unit: "other" })];
    const outcomes = await ofStream([first, second, first]);
    const single = await Promise.all([first, second, first].map((request) => gateway().timestamp(request)));
    const asCalls = single.map((value) => ({
      $case: "response",
      value: { ...value, timeStampResp: new Uint8Array() },
    }));
    expect(outcomes).toEqual(asCalls);
    expect(asCalls[0]?.value.outcome?.$case).toBe("token");
  });

  it("refuses what is wrong with an item for that one, in band what the protocol refuses", async () => {
    const sha1 = { messageImprint: { hashAlgorithm: "sha1", digest: Buffer.alloc(20) } };
    const failure = (expected: string) => ({ $case: "failure", value: { code: expected } });
    const requests = [undefined, ask({ requestId: "" }), ask({ unit: "nobody" }), ask({ query: sha1 }), ask()];
    expect(await ofStream(requests)).toMatchObject([
      failure("REQUEST_MALFORMED"),
      failure("REQUEST_MALFORMED"),
      failure("NOT_FOUND"),
      { $case: "response", value: { outcome: { $case: "refusal", value: { failInfo: "badAlg" } } } },
      { $case: "response", value: { outcome: { $case: "token" } } },
    ]);
  });

  it("refuses a message that is too large", async () => {
    const large = ask({ question: { $case: "timeStampReq", value: Buffer.alloc(2 << 20) } });
    await expect(ofStream([large])).rejects.toThrow(code("REQUEST_TOO_LARGE"));
  });

  it("is for those who may stamp", async () => {
    for (const caller of [BRANDENBURG, "ocsp"])
      await expect(ofStream([ask()], tsa.as(caller))).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
  });
});

describe("BulkTimestamp", () => {
  it("gives each digest a token of its own", async () => {
    const { items } = await collect(gateway().bulkTimestamp(bulkOf({ digests: digests(1_000) })));
    expect(items.map(({ index }) => index)).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
    expect(new Set(items.map((item) => tokenOf(item)?.serialHex)).size).toBe(1_000);
    const { tokenDer = Buffer.of() } = (items[777] && tokenOf(items[777])) ?? {};
    const asked = openssl.query("item 777", "-no_nonce");
    expect(await openssl.verify(tsa, asked, timeStampResp.granted(tokenDer))).toBe("OK");
  });

  it("gives a repeat the same tokens, also of one that broke off", async () => {
    const bulk = bulkOf({ digests: digests(300) });
    for await (const { items } of gateway().bulkTimestamp(bulk)) if (items.length > 0) break;
    const [first, second] = [
      await collect(gateway().bulkTimestamp(bulk)),
      await collect(gateway().bulkTimestamp(bulk)),
    ];
    expect(second.items).toEqual(first.items);
    expect(
      tsa.store.db.prepare("SELECT count(*) FROM requests WHERE request_id LIKE ?").pluck().get(`${bulk.requestId} %`),
    ).toBe(300);
    const other = collect(gateway().bulkTimestamp({ ...bulk, digests: digests(299) }));
    await expect(other).rejects.toThrow(code("REQUEST_ID_REUSED"));
  });

  it("refuses what is wrong with one digest for that one", async () => {
    const { items } = await collect(gateway().bulkTimestamp(bulkOf({ digests: [...digests(2), Buffer.alloc(20)] })));
    expect(items.map(({ outcome }) => outcome?.$case)).toEqual(["token", "token", "refusal"]);
  });

  it.each([1, 2, 3, 1_000])("stamps the root of a tree of %i, with a proof for each leaf", async (count) => {
    const { messages, items } = await collect(
      gateway().bulkTimestamp(bulkOf({ mode: BulkMode.MERKLE_TREE, digests: digests(count) })),
    );
    const { rootToken } = messages[0] ?? {};
    const root = rootToken?.messageImprint?.digest ?? Buffer.of();
    const asked = craft({ digest: root });
    expect(await openssl.verify(tsa, asked, timeStampResp.granted(rootToken?.tokenDer ?? Buffer.of()))).toBe("OK");
    expect(items).toHaveLength(count);
    for (const [i, digest] of digests(count).entries()) {
      const outcome = items[i]?.outcome;
      if (outcome?.$case !== "proof") throw new Error("no proof");
      expect(isIncluded(leafHash(digest), outcome.value, root)).toBe(true);
    }
  });

  it("refuses a tree as a whole", async () => {
    const bulk = bulkOf({ mode: BulkMode.MERKLE_TREE, digests: [...digests(2), Buffer.alloc(20)] });
    const { messages } = await collect(gateway().bulkTimestamp(bulk));
    expect(messages).toMatchObject([{ items: [], refusal: { failInfo: "badDataFormat" } }]);
  });

  it.each<[string, Partial<BulkTimestampRequest>, string]>([
    ["of nothing", { digests: [] }, "REQUEST_MALFORMED"],
    ["of more than 10000", { digests: digests(10_001) }, "REQUEST_MALFORMED"],
    ["of no kind", { mode: BulkMode.UNSPECIFIED }, "REQUEST_MALFORMED"],
    ["without request id", { requestId: "" }, "REQUEST_MALFORMED"],
    ["to nobody's unit", { unit: "nobody" }, "NOT_FOUND"],
  ])("refuses a bulk %s", async (_, fields, expected) => {
    await expect(collect(gateway().bulkTimestamp(bulkOf(fields)))).rejects.toThrow(code(expected));
  });
});

describe("the log", () => {
  it("gives a token back as it was answered, with and without certificates", async () => {
    for (const certReq of [true, false]) {
      const { timeStampResp: response, outcome } = await gateway().timestamp(ask({ query: { certReq } }));
      if (outcome?.$case !== "token") throw new Error("refused");
      const token = await gateway().getToken({ serialHex: outcome.value.serialHex });
      expect(timeStampResp.granted(token.tokenDer)).toEqual(Buffer.from(response));
      expect(token).toEqual(outcome.value);
    }
  });

  it("finds tokens by digest, page by page, the newest first", async () => {
    const digest = hash("sha256", "found again", "buffer");
    const imprint = { messageImprint: { hashAlgorithm: "sha256", digest } };
    const serials: (string | undefined)[] = [];
    for (let i = 0; i < 5; i++) serials.push(serialOf(await gateway().timestamp(ask({ query: imprint }))));
    const found: string[] = [];
    for (let pageToken = "", more = true; more; more = pageToken !== "") {
      const page = await gateway().findTokens({ digest, pageSize: 2, pageToken });
      found.push(...page.tokens.map(({ serialHex }) => serialHex));
      pageToken = page.nextPageToken;
    }
    expect(found).toEqual(serials.toReversed());
    expect(
      await gateway().findTokens({ digest: hash("sha256", "never", "buffer"), pageSize: 0, pageToken: "" }),
    ).toEqual({
      tokens: [],
      nextPageToken: "",
    });
  });

  it("shows an organisation its own tokens only; a foreign one looks like none", async () => {
    const digest = hash("sha256", "secret of Brandenburg", "buffer");
    const imprint = { messageImprint: { hashAlgorithm: "sha256", digest } };
    const serialHex = serialOf(await gateway().timestamp(ask({ query: imprint }))) ?? "";
    const foreign = gateway(BERLIN);
    const unknown = await foreign.getToken({ serialHex: "ff".repeat(20) }).catch((error) => error);
    await expect(foreign.getToken({ serialHex })).rejects.toEqual(unknown);
    expect((await foreign.findTokens({ digest, pageSize: 0, pageToken: "" })).tokens).toEqual([]);
    expect((await gateway().findTokens({ digest, pageSize: 0, pageToken: "" })).tokens).toHaveLength(1);
    await expect(tsa.as("signing").getToken({ serialHex })).rejects.toThrow(code("NOT_FOUND"));
  });

  it("has what came over HTTP for the operator", async () => {
    await post(tsa.url, requestDer({ nonce: Buffer.of(0x42) }));
    const { tokens } = await tsa
      .as("audit")
      .findTokens({ digest: hash("sha256", DATA, "buffer"), pageSize: 1, pageToken: "" });
    expect(tokens).toHaveLength(1);
  });

  it.each<[string, () => Promise<unknown>]>([
    ["a serial number in upper case", () => gateway().getToken({ serialHex: "FF" })],
    ["no serial number", () => gateway().getToken({ serialHex: "" })],
    ["an endless serial number", () => gateway().getToken({ serialHex: "00".repeat(100) })],
    ["no digest", () => gateway().findTokens({ digest: Buffer.of(), pageSize: 0, pageToken: "" })],
    ["an endless digest", () => gateway().findTokens({ digest: Buffer.alloc(65), pageSize: 0, pageToken: "" })],
    [
      "a page of another kind",
      () => gateway().findTokens({ digest: Buffer.alloc(32), pageSize: 0, pageToken: "1; DROP" }),
    ],
  ])("refuses %s", async (_, call) => {
    await expect(call()).rejects.toThrow(code("REQUEST_MALFORMED"));
  });
});

describe("callers", () => {
  const workload = "spiffe://vcc.internal/org/brandenburg/service/argus";
  it.each<[string, () => Promise<unknown>]>([
    ["a workload stamps past the gateway", () => tsa.as(workload).timestamp(ask())],
    ["ocsp stamps", () => tsa.as("ocsp").timestamp(ask())],
    ["an administrator stamps in bulk past the gateway", () => collect(tsa.as(BRANDENBURG).bulkTimestamp(bulkOf({})))],
    ["ca reads tokens", () => tsa.as("ca").getToken({ serialHex: "00" })],
    ["discovery looks for tokens", () => tsa.as("discovery").findTokens({ digest: DATA, pageSize: 0, pageToken: "" })],
    ["a workload asks for certificates", () => tsa.as(workload).getCertificate({ unit: "" })],
    ["a workload asks how things are", () => tsa.as(workload).status({})],
    ["signing speaks for somebody else", () => tsa.as("signing", BRANDENBURG).timestamp(ask())],
  ])("are refused when %s, with a trace", async (_, attempt) => {
    const { sequence } = tsa.store.audit.head();
    await expect(attempt()).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    await expect
      .poll(() => tsa.store.audit.read(sequence, 10))
      .toMatchObject([{ outcome: "refused", code: "CALLER_NOT_ALLOWED" }]);
  });

  it("of the suite ask for themselves", async () => {
    for (const service of ["gateway", "signing", "audit", "ca"]) {
      expect(await tsa.as(service).timestamp(ask())).toMatchObject({ outcome: { $case: "token" } });
    }
  });
});
