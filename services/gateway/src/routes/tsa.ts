import { PkiError } from "@vcc-pki/errors";
import type { BulkItem, BulkTimestampResponse, TimestampServiceDefinition, Token } from "@vcc-pki/proto/tsa";
import type { Remote } from "@vcc-pki/rpc";
import { IdempotencyHeaders, NoQuery } from "../api/fields.ts";
import {
  BulkTimestampAnswer,
  BulkTimestampQuestion,
  TsaCertificateQuery,
  TsaStatus,
  TsaUnitQuery,
} from "../api/tsa.ts";
import { type App, FOR_WORKLOADS_TOO, onBehalfOf, requestIdOf } from "../http.ts";
import { bulkItemToJson, MODE_TO_PROTO, refusalToError, tokenToJson, tsaStatusToJson } from "../wire/tsa.ts";
import { chainPem } from "../wire/values.ts";
import { PEM_CHAIN, raw, refusals } from "./documented.ts";

const tags = ["time stamps"];

/** 10000 digests of 64 octets in hex, and what is around them. */
const BULK_BODY_LIMIT_BYTES = 2 * 1024 * 1024;
/** 10000 signatures take their time. */
const BULK_DEADLINE_MS = 120_000;

/** Many time stamps at once, and what is known of the tsa. */
export function tsaRoutes(app: App, timestamps: Remote<TimestampServiceDefinition>): void {
  app.post(
    "/api/v1/tsa/bulk-timestamp",
    {
      bodyLimit: BULK_BODY_LIMIT_BYTES,
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "Time stamps over many digests: a token for each, or one over a Merkle tree with a proof for each",
        querystring: TsaUnitQuery,
        headers: IdempotencyHeaders,
        body: BulkTimestampQuestion,
        response: { 200: BulkTimestampAnswer, ...refusals },
      },
    },
    async (request) => {
      const { mode, hash_algorithm, digests, policy = "", cert_req = false } = request.body;
      const bulk = {
        requestId: requestIdOf(request),
        unit: request.query.unit ?? "",
        mode: MODE_TO_PROTO[mode],
        hashAlgorithm: hash_algorithm,
        digests: digests.map((digest) => Buffer.from(digest, "hex")),
        policyOid: policy,
        certReq: cert_req,
      };
      const answers = timestamps.bulkTimestamp(bulk, { ...onBehalfOf(request), deadlineMs: BULK_DEADLINE_MS });
      const { rootToken, items } = await collect(answers);
      if (items.length !== digests.length) throw new Error("the answer has not an item for each digest");
      return { root: rootToken && tokenToJson(rootToken), items: items.map(bulkItemToJson) };
    },
  );

  app.get(
    "/api/v1/tsa/certificate",
    {
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "The certificates that sign now, each followed by its issuers, without the root (PEM)",
        querystring: TsaCertificateQuery,
        response: { 200: { description: "The chain", content: { [PEM_CHAIN]: raw("pem") } }, ...refusals },
      },
    },
    async (request, reply) => {
      const { unit = "" } = request.query;
      const { certificates } = await timestamps.getCertificate({ unit }, onBehalfOf(request));
      const chains = certificates.filter(({ current }) => current).map(({ chainDer }) => chainDer);
      if (chains.length === 0) throw new PkiError("NOT_FOUND", "no unit has a certificate that signs now");
      return reply.type(PEM_CHAIN).send(chains.map(chainPem).join(""));
    },
  );

  app.get(
    "/api/v1/tsa/status",
    {
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "The clock and the units: whether they sign, and until when",
        querystring: NoQuery,
        response: { 200: TsaStatus, ...refusals },
      },
    },
    async (request) => tsaStatusToJson(await timestamps.status({}, onBehalfOf(request))),
  );
}

/** All items in the order of the digests. Throws when a tree is refused. */
async function collect(answers: AsyncIterable<BulkTimestampResponse>) {
  const items: BulkItem[] = [];
  let rootToken: Token | undefined;
  for await (const answer of answers) {
    if (answer.refusal !== undefined) throw refusalToError(answer.refusal);
    rootToken ??= answer.rootToken;
    items.push(...answer.items);
  }
  return { rootToken, items: items.sort((a, b) => a.index - b.index) };
}
