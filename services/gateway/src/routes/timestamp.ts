import { PkiError } from "@vcc-pki/errors";
import type { TimestampQuery, TimestampServiceDefinition } from "@vcc-pki/proto/tsa";
import type { Remote } from "@vcc-pki/rpc";
import { z } from "zod";
import { IdempotencyHeaders } from "../api/fields.ts";
import { TimestampQuestion, TimestampToken, TsaUnitQuery } from "../api/tsa.ts";
import { type App, FOR_WORKLOADS_TOO, onBehalfOf, requestIdOf } from "../http.ts";
import { tokenOf, tokenToJson } from "../wire/tsa.ts";
import { integerOctets } from "../wire/values.ts";
import { raw, refusals } from "./documented.ts";

/** RFC 3161 section 3.4. */
const TIMESTAMP_QUERY = "application/timestamp-query";
const TIMESTAMP_REPLY = "application/timestamp-reply";
/** As at the tsa's own door. */
const BODY_LIMIT_BYTES = 64 * 1024;

const TimeStampReq = z
  .instanceof(Buffer)
  .meta({ type: "string", format: "binary", description: "TimeStampReq of RFC 3161, DER" });

/** A time stamp over a digest, for those who reach this door alone. The token is the requester's organisation's. No other route takes a
 *  body of this type. */
export function timestampRoute(app: App, timestamps: Remote<TimestampServiceDefinition>): void {
  app.register(async (scope: App) => {
    scope.removeContentTypeParser("application/pkcs10");
    scope.addContentTypeParser(TIMESTAMP_QUERY, { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    scope.post(
      "/api/v1/tsa/timestamp",
      {
        bodyLimit: BODY_LIMIT_BYTES,
        config: FOR_WORKLOADS_TOO,
        schema: {
          tags: ["time stamps"],
          summary: "A time-stamp token (RFC 3161) over a digest",
          description:
            "A TimeStampReq (application/timestamp-query) is answered with a TimeStampResp; refusals are in band (PKIFailureInfo). " +
            "A question in JSON is answered in JSON; a refusal is a problem with the PKIFailureInfo in details.failInfo.",
          querystring: TsaUnitQuery,
          headers: IdempotencyHeaders,
          body: {
            content: { "application/json": { schema: TimestampQuestion }, [TIMESTAMP_QUERY]: { schema: TimeStampReq } },
          },
          response: {
            200: {
              description: "The token, on record",
              content: { "application/json": { schema: TimestampToken }, [TIMESTAMP_REPLY]: raw("binary") },
            },
            ...refusals,
          },
        },
      },
      async (request, reply) => {
        const target = { requestId: requestIdOf(request), unit: request.query.unit ?? "" };
        if (Buffer.isBuffer(request.body)) {
          if (request.body.length === 0) throw new PkiError("REQUEST_MALFORMED", "the time-stamp request is empty");
          const question = { $case: "timeStampReq", value: request.body } as const;
          const { timeStampResp } = await timestamps.timestamp({ ...target, question }, onBehalfOf(request));
          return reply.type(TIMESTAMP_REPLY).send(Buffer.from(timeStampResp));
        }
        const question = { $case: "query", value: queryOf(request.body) } as const;
        const { outcome } = await timestamps.timestamp({ ...target, question }, onBehalfOf(request));
        return reply.send(tokenToJson(tokenOf(outcome)));
      },
    );
  });
}

/** Fastify checks nothing when there is no body at all. */
function queryOf(body: unknown): TimestampQuery {
  const checked = TimestampQuestion.safeParse(body);
  if (!checked.success) throw new PkiError("REQUEST_MALFORMED", `send a JSON or ${TIMESTAMP_QUERY} body`);
  const { hash_algorithm, digest, policy = "", nonce, cert_req = false } = checked.data;
  return {
    messageImprint: { hashAlgorithm: hash_algorithm, digest: Buffer.from(digest, "hex") },
    policyOid: policy,
    nonce: nonce === undefined ? new Uint8Array() : integerOctets(nonce),
    certReq: cert_req,
  };
}
