import { hash } from "node:crypto";
import type { TimestampServiceDefinition } from "@vcc-pki/proto/tsa";
import type { Remote } from "@vcc-pki/rpc";
import canonicalize from "canonicalize";
import { IdempotencyHeaders } from "../api/fields.ts";
import { STATEMENTS, StampedDocument, type StatementKind } from "../api/stamped-document.ts";
import { TsaUnitQuery } from "../api/tsa.ts";
import { type App, FOR_WORKLOADS_TOO, onBehalfOf, requestIdOf } from "../http.ts";
import { tokenOf, tokenToJson } from "../wire/tsa.ts";
import { refusals } from "./documented.ts";

const BODY_LIMIT_BYTES = 64 * 1024;

/** Time stamps over what Clara, Covina and Veritas say of their works: not over a bare digest beside which anything could be claimed later,
 *  but over a document that has the digest and all that is said about it inside. */
export function stampedDocumentRoutes(app: App, timestamps: Remote<TimestampServiceDefinition>): void {
  for (const kind of Object.keys(STATEMENTS) as StatementKind[]) {
    const { type, summary, fields } = STATEMENTS[kind];
    app.post(
      `/api/v1/tsa/vcc/${kind}`,
      {
        bodyLimit: BODY_LIMIT_BYTES,
        config: FOR_WORKLOADS_TOO,
        schema: {
          tags: ["time stamps"],
          summary,
          querystring: TsaUnitQuery,
          headers: IdempotencyHeaders,
          body: fields,
          response: { 200: StampedDocument, ...refusals },
        },
      },
      async (request) => {
        const document = documentOf(type, request.requester.organisation, request.body);
        const messageImprint = { hashAlgorithm: "sha256", digest: hash("sha256", document, "buffer") };
        const query = { messageImprint, policyOid: "", nonce: new Uint8Array(), certReq: true };
        const target = { requestId: requestIdOf(request), unit: request.query.unit ?? "" };
        const question = { $case: "query", value: query } as const;
        const { outcome } = await timestamps.timestamp({ ...target, question }, onBehalfOf(request));
        return { document, token: tokenToJson(tokenOf(outcome)) };
      },
    );
  }
}

/** Canonical JSON (RFC 8785): whoever has the same facts makes the same octets of them. */
function documentOf(type: string, organisation: string, fields: Readonly<Record<string, unknown>>): string {
  const document = canonicalize({ ...fields, type, organisation });
  if (document === undefined) throw new Error("a document without canonical form");
  return document;
}
