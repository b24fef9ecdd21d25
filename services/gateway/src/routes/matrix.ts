import { matrixFromJson } from "@vcc-pki/matrix";
import type { PolicyServiceDefinition } from "@vcc-pki/proto/discovery";
import type { Remote } from "@vcc-pki/rpc";
import { IdempotencyHeaders, NoQuery, Scope } from "../api/fields.ts";
import {
  CommunicationAnswer,
  CommunicationQuestion,
  CrossGrant,
  CrossGrantList,
  CrossGrantParams,
  CrossGrantPut,
  Matrix,
  MatrixGraph,
  MatrixPut,
  MatrixQuery,
  Reach,
  ReachQuery,
} from "../api/matrix.ts";
import { type App, FOR_WORKLOADS_TOO, onBehalfOf, organisationOf, requestIdOf } from "../http.ts";
import { crossGrantToJson, crossGrantToProto, decisionToJson, matrixToJson } from "../wire/matrix.ts";
import { present } from "../wire/values.ts";
import { accepts, raw, refusals } from "./documented.ts";

const tags = ["communication"];
const SVG = "image/svg+xml";
const PNG = "image/png";
/** The YAML, and what JSON has to escape in it. */
const BODY_LIMIT_BYTES = 1024 * 1024;

/** Whom services may call: the matrix of an organisation, what it decides, and calls across organisations. */
export function matrixRoutes(app: App, policy: Remote<PolicyServiceDefinition>): void {
  app.get(
    "/api/v1/vcc/matrix",
    {
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "The communication matrix: as it was put, with its warnings, and as libraries read it",
        querystring: MatrixQuery,
        response: { 200: Matrix, ...refusals },
      },
    },
    async (request) => {
      const wanted = { organisation: organisationOf(request), version: request.query.version ?? 0 };
      return matrixToJson(await policy.getMatrix(wanted, onBehalfOf(request)));
    },
  );

  app.put(
    "/api/v1/vcc/matrix",
    {
      bodyLimit: BODY_LIMIT_BYTES,
      schema: {
        tags,
        summary: "Put a matrix into force; with mistakes it is refused, each with its line, and the one before stays",
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: MatrixPut,
        response: { 200: Matrix, ...refusals },
      },
    },
    async (request) => {
      const { yaml, expected_version: expectedVersion = 0, dry_run: dryRun = false } = request.body;
      const put = { requestId: requestIdOf(request), organisation: organisationOf(request), yaml };
      return matrixToJson(await policy.putMatrix({ ...put, expectedVersion, dryRun }, onBehalfOf(request)));
    },
  );

  app.get(
    "/api/v1/vcc/matrix/graph",
    {
      schema: {
        tags,
        summary: "Who may call whom: as JSON, or as a picture by the Accept header (SVG, PNG)",
        querystring: Scope,
        response: {
          200: {
            description: "The graph",
            content: {
              "application/json": { schema: MatrixGraph },
              [SVG]: raw("binary"),
              [PNG]: raw("binary"),
            },
          },
          ...refusals,
        },
      },
    },
    async (request, reply) => {
      const organisation = organisationOf(request);
      const type = [SVG, PNG].find((each) => accepts(request, each));
      if (type === undefined) {
        const { services, edges } = await policy.getGraph({ organisation }, onBehalfOf(request));
        return { services, edges: edges.map((edge) => ({ ...edge, restriction: present(edge.restriction) })) };
      }
      const message = await policy.getMatrix({ organisation, version: 0 }, onBehalfOf(request));
      const matrix = matrixFromJson(JSON.parse(message.documentJson));
      const title = `Communication matrix of ${message.organisation}, ${versionText(message.version)}`;
      // Not loaded where nobody looks: it brings a layout engine and a font.
      const { matrixPng, matrixSvg } = await import("@vcc-pki/matrix/picture");
      reply.type(type);
      return reply.send(
        type === PNG ? Buffer.from(await matrixPng(matrix, title)) : Buffer.from(await matrixSvg(matrix, title)),
      );
    },
  );

  app.get(
    "/api/v1/vcc/matrix/reach",
    {
      schema: {
        tags,
        summary: "Can a service ever reach another, over others, too? With the shortest way and the rule of each step",
        querystring: ReachQuery,
        response: { 200: Reach, ...refusals },
      },
    },
    (request) => {
      const { source, target } = request.query;
      return policy.reach({ organisation: organisationOf(request), source, target }, onBehalfOf(request));
    },
  );

  app.post(
    "/api/v1/vcc/communication/check",
    {
      config: FOR_WORKLOADS_TOO,
      schema: {
        tags,
        summary: "May this service call that one? A service asks of calls that it makes or takes",
        querystring: NoQuery,
        body: CommunicationQuestion,
        response: { 200: CommunicationAnswer, ...refusals },
      },
    },
    async (request) => {
      const { source_service: source = "", target_service: targetService, method = "", path = "" } = request.body;
      const asked = { source, targetService, targetOrganisation: request.body.target_organisation ?? "", method, path };
      return decisionToJson(await policy.check(asked, onBehalfOf(request)));
    },
  );

  crossGrantRoutes(app, policy);
}

const versionText = (version: number): string => (version === 0 ? "as shipped" : `version ${version}`);

function crossGrantRoutes(app: App, policy: Remote<PolicyServiceDefinition>): void {
  app.get(
    "/api/v1/vcc/grants",
    {
      schema: {
        tags,
        summary: "Calls from one organisation to another, as each side has granted them",
        querystring: Scope,
        response: { 200: CrossGrantList, ...refusals },
      },
    },
    async (request) => {
      const { grants } = await policy.listCrossGrants({ organisation: organisationOf(request) }, onBehalfOf(request));
      return { grants: grants.map(crossGrantToJson) };
    },
  );

  app.post(
    "/api/v1/vcc/grants",
    {
      schema: {
        tags,
        summary: "Grant, for one's own side, that services of one organisation call those of another",
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: CrossGrantPut,
        response: { 200: CrossGrant, ...refusals },
      },
    },
    async (request) => {
      const grant = crossGrantToProto(request.body);
      const put = { requestId: requestIdOf(request), organisation: organisationOf(request), grant };
      return crossGrantToJson(await policy.putCrossGrant(put, onBehalfOf(request)));
    },
  );

  app.delete(
    "/api/v1/vcc/grants/:grant_id",
    {
      schema: {
        tags,
        summary: "Take a grant back, for either side",
        params: CrossGrantParams,
        querystring: Scope,
        headers: IdempotencyHeaders,
        response: { 200: CrossGrant, ...refusals },
      },
    },
    async (request) => {
      const withdrawn = {
        ...{ requestId: requestIdOf(request), organisation: organisationOf(request) },
        crossGrantId: request.params.grant_id,
      };
      return crossGrantToJson(await policy.withdrawCrossGrant(withdrawn, onBehalfOf(request)));
    },
  );
}
