import { PkiError } from "@vcc-pki/errors";
import type { HistoryServiceDefinition, ReportServiceDefinition } from "@vcc-pki/proto/lifecycle";
import type { Remote } from "@vcc-pki/rpc";
import type { Clock } from "@vcc-pki/time";
import { Scope } from "../api/fields.ts";
import {
  CertificateHistory,
  HistoryParams,
  LifecycleReport,
  ManagedList,
  ManagedQuery,
  ReportQuery,
} from "../api/lifecycle.ts";
import { type App, onBehalfOf, organisationOf } from "../http.ts";
import { changeToJson, managedToJson, reportToJson, stateToProto } from "../wire/lifecycle.ts";
import { present } from "../wire/values.ts";
import { refusals } from "./documented.ts";

export interface LifecyclePeers {
  readonly history: Remote<HistoryServiceDefinition>;
  readonly reports: Remote<ReportServiceDefinition>;
  readonly clock: Clock;
}

const tags = ["lifecycle"];
const DEFAULT_PERIOD_MS = 30 * 86_400_000;

/** What became of certificates: their histories, where each is in its life, and reports. */
export function lifecycleRoutes(app: App, { history, reports, clock }: LifecyclePeers): void {
  app.get(
    "/api/v1/certs/history/:cert_id",
    {
      schema: {
        tags,
        summary: "Who, when and why, from the first request on and across renewals",
        params: HistoryParams,
        querystring: Scope,
        response: { 200: CertificateHistory, ...refusals },
      },
    },
    async (request) => {
      const asked = { organisation: organisationOf(request), certificateId: request.params.cert_id };
      const { certificates } = await history.getHistory(asked, onBehalfOf(request));
      return {
        certificates: certificates.flatMap(({ certificate, changes }) =>
          certificate ? [{ certificate: managedToJson(certificate), changes: changes.map(changeToJson) }] : [],
        ),
      };
    },
  );

  app.get(
    "/api/v1/lifecycle/certificates",
    {
      schema: {
        tags,
        summary: "Where certificates are in their lives; what ends first comes first",
        querystring: ManagedQuery,
        response: { 200: ManagedList, ...refusals },
      },
    },
    async (request) => {
      const { state, profile = "", expires_before, page_size = 0, page_token = "" } = request.query;
      const asked = {
        ...{ organisation: organisationOf(request), state: stateToProto(state), profile },
        expiresBefore: expires_before === undefined ? undefined : new Date(expires_before),
        ...{ pageSize: page_size, pageToken: page_token },
      };
      const { certificates, nextPageToken } = await history.list(asked, onBehalfOf(request));
      return { certificates: certificates.map(managedToJson), next_page_token: present(nextPageToken) };
    },
  );

  app.get(
    "/api/v1/lifecycle/report",
    {
      schema: {
        tags,
        summary: "What was issued, renewed, revoked and forgotten in a period, and what is about to end",
        querystring: ReportQuery,
        response: { 200: LifecycleReport, ...refusals },
      },
    },
    async (request) => {
      const until = request.query.until === undefined ? clock.now() : new Date(request.query.until);
      const from =
        request.query.from === undefined ? new Date(until.getTime() - DEFAULT_PERIOD_MS) : new Date(request.query.from);
      if (from >= until) throw new PkiError("REQUEST_MALFORMED", "a period begins before it ends");
      const asked = { organisation: organisationOf(request), from, until };
      return reportToJson(await reports.getReport(asked, onBehalfOf(request)));
    },
  );
}
