import type { RecallServiceDefinition, SignatureServiceDefinition } from "@vcc-pki/proto/signing";
import type { Remote } from "@vcc-pki/rpc";
import { IdempotencyHeaders, Scope } from "../api/fields.ts";
import {
  Lineage,
  LineageParams,
  Recall,
  RecallList,
  RecallListQuery,
  RecallRequest,
  SignatureParams,
  UsageReport,
  UsageSummary,
} from "../api/signing.ts";
import { type App, FOR_WORKLOADS_TOO, onBehalfOf, organisationOf, requestIdOf } from "../http.ts";
import { lineageToJson, recallTarget, recallToJson, usageToJson } from "../wire/signing.ts";
import { refusals } from "./documented.ts";

const tags = ["signing"];

/** What became of what was signed: what was made from it, who used it, and what is not to be used any more. */
export function recallRoutes(
  app: App,
  signatures: Remote<SignatureServiceDefinition>,
  recalls: Remote<RecallServiceDefinition>,
): void {
  app.get(
    "/api/v1/lineage/:digest",
    {
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "What an artefact was made from, and what was made from it, as signatures say",
        params: LineageParams,
        querystring: Scope,
        response: { 200: Lineage, ...refusals },
      },
    },
    async (request) =>
      lineageToJson(
        await signatures.getLineage(
          { artefactDigest: request.params.digest, organisation: organisationOf(request) },
          onBehalfOf(request),
        ),
      ),
  );

  app.post(
    "/api/v1/recalls",
    {
      schema: {
        tags,
        summary:
          "Recall an artefact, all of a signer, or all that was made from a dataset, with everything made from that",
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: RecallRequest,
        response: { 200: Recall, ...refusals },
      },
    },
    async (request) => {
      const { reason, dry_run: dryRun = false } = request.body;
      const asked = {
        requestId: requestIdOf(request),
        target: recallTarget(request.body),
        reason,
        dryRun,
        organisation: organisationOf(request),
      };
      return recallToJson(await recalls.recall(asked, onBehalfOf(request)));
    },
  );

  app.get(
    "/api/v1/recalls",
    {
      schema: {
        tags,
        summary: "Recalls of the requester's organisation",
        querystring: RecallListQuery,
        response: { 200: RecallList, ...refusals },
      },
    },
    async (request) => {
      const { digest: artefactDigest = "" } = request.query;
      const found = await recalls.listRecalls(
        { artefactDigest, organisation: organisationOf(request) },
        onBehalfOf(request),
      );
      return { recalls: found.recalls.map(recallToJson) };
    },
  );

  app.post(
    "/api/v1/sign/audit/:signature_id/usage",
    {
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "That it was verified, loaded or refused, by the requester's own word",
        params: SignatureParams,
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: UsageReport,
        response: { 200: UsageSummary, ...refusals },
      },
    },
    async (request) => {
      const { signature_id: signatureId } = request.params;
      const { action, context = "", times = 1 } = request.body;
      const asked = { signatureId, organisation: organisationOf(request) };
      await signatures.recordUsage(
        { ...asked, requestId: requestIdOf(request), action, context, times },
        onBehalfOf(request),
      );
      return usageToJson(await signatures.getUsage(asked, onBehalfOf(request)));
    },
  );

  app.get(
    "/api/v1/sign/audit/:signature_id/usage",
    {
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "Who has done what with it",
        params: SignatureParams,
        querystring: Scope,
        response: { 200: UsageSummary, ...refusals },
      },
    },
    async (request) =>
      usageToJson(
        await signatures.getUsage(
          { signatureId: request.params.signature_id, organisation: organisationOf(request) },
          onBehalfOf(request),
        ),
      ),
  );
}
