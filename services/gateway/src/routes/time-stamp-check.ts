import type { TimestampServiceDefinition } from "@vcc-pki/proto/tsa";
import type { Remote } from "@vcc-pki/rpc";
import { NoQuery } from "../api/fields.ts";
import { TimestampCheckAnswer, TimestampCheckQuestion } from "../api/time-stamp-check.ts";
import { TimestampToken, TokenList, TokenListQuery, TokenParams } from "../api/tsa.ts";
import { type App, FOR_WORKLOADS_TOO, onBehalfOf } from "../http.ts";
import { checkAnswerToJson, checkQuestionToProto, tokenToJson } from "../wire/tsa.ts";
import { refusals } from "./documented.ts";

const tags = ["time stamps"];

/** Small data may come along, and so may the lists to judge by. */
const BODY_LIMIT_BYTES = 2 * 1024 * 1024;

/** Whether a time stamp holds, and which ones there are. */
export function timeStampCheckRoutes(app: App, timestamps: Remote<TimestampServiceDefinition>): void {
  app.post(
    "/api/v1/tsa/verify",
    {
      bodyLimit: BODY_LIMIT_BYTES,
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "Whether a time stamp, ours or another authority's, is what it seems; every check by its name",
        querystring: NoQuery,
        body: TimestampCheckQuestion,
        response: { 200: TimestampCheckAnswer, ...refusals },
      },
    },
    async (request) =>
      checkAnswerToJson(await timestamps.verify(checkQuestionToProto(request.body), onBehalfOf(request))),
  );

  app.get(
    "/api/v1/tsa/tokens",
    {
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "Time stamps of the requester's organisation over a digest",
        querystring: TokenListQuery,
        response: { 200: TokenList, ...refusals },
      },
    },
    async (request) => {
      const { digest, page_size: pageSize = 0, page_token: pageToken = "" } = request.query;
      const asked = { digest: Buffer.from(digest, "hex"), pageSize, pageToken };
      const { tokens, nextPageToken } = await timestamps.findTokens(asked, onBehalfOf(request));
      return { tokens: tokens.map(tokenToJson), next_page_token: nextPageToken === "" ? undefined : nextPageToken };
    },
  );

  app.get(
    "/api/v1/tsa/tokens/:serial_number",
    {
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "A time stamp of the requester's organisation by its serial number",
        params: TokenParams,
        querystring: NoQuery,
        response: { 200: TimestampToken, ...refusals },
      },
    },
    async (request) =>
      tokenToJson(await timestamps.getToken({ serialHex: request.params.serial_number }, onBehalfOf(request))),
  );
}
