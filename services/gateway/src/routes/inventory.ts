import type { InventoryServiceDefinition } from "@vcc-pki/proto/discovery";
import type { Remote } from "@vcc-pki/rpc";
import { IdempotencyHeaders, Scope } from "../api/fields.ts";
import {
  EndpointHistory,
  EndpointParams,
  Inventory,
  InventoryEndpoint,
  InventoryQuery,
  ProbeRequest,
  Sweep,
  SweepParams,
  SweepRequest,
} from "../api/inventory.ts";
import { type App, onBehalfOf, organisationOf, requestIdOf } from "../http.ts";
import { changeToJson, endpointToJson, sweepToJson, verdictToProto } from "../wire/inventory.ts";
import { present } from "../wire/values.ts";
import { refusals } from "./documented.ts";

const tags = ["inventory"];
/** Name, connection, handshake and health may each take some seconds. */
const PROBE_DEADLINE_MS = 20_000;

/** What certificates are served out there, by whomever. */
export function inventoryRoutes(app: App, inventory: Remote<InventoryServiceDefinition>): void {
  app.get(
    "/api/v1/inventory",
    {
      schema: {
        tags,
        summary: "Endpoints as they were last seen, by name, a page at a time",
        querystring: InventoryQuery,
        response: { 200: Inventory, ...refusals },
      },
    },
    async (request) => {
      const { verdict, service = "", expires_before: before, page_size = 0, page_token = "" } = request.query;
      const filter = {
        ...{ organisation: organisationOf(request), verdict: verdictToProto(verdict), service },
        ...{ expiresBefore: before === undefined ? undefined : new Date(before), pageSize: page_size },
        pageToken: page_token,
      };
      const page = await inventory.listInventory(filter, onBehalfOf(request));
      return { endpoints: page.endpoints.map(endpointToJson), next_page_token: present(page.nextPageToken) };
    },
  );

  app.get(
    "/api/v1/inventory/endpoints/:endpoint",
    {
      schema: {
        tags,
        summary: "One endpoint with the chain that it serves, and what has changed there",
        params: EndpointParams,
        querystring: Scope,
        response: { 200: EndpointHistory, ...refusals },
      },
    },
    async (request) => {
      const wanted = { organisation: organisationOf(request), endpoint: request.params.endpoint };
      const { endpoint, changes } = await inventory.getEndpoint(wanted, onBehalfOf(request));
      if (endpoint === undefined) throw new Error("the answer has no endpoint");
      return { endpoint: endpointToJson(endpoint), changes: changes.map(changeToJson) };
    },
  );

  app.post(
    "/api/v1/inventory/probe",
    {
      schema: {
        tags,
        summary: "Look at one endpoint now: handshake, verdict and health",
        querystring: Scope,
        body: ProbeRequest,
        response: { 200: InventoryEndpoint, ...refusals },
      },
    },
    async (request) => {
      const { host, port, name = "", health_path: healthPath = "", health_dialect: healthDialect = "" } = request.body;
      const target = { organisation: organisationOf(request), host, port, name, healthPath, healthDialect };
      return endpointToJson(await inventory.probe(target, { ...onBehalfOf(request), deadlineMs: PROBE_DEADLINE_MS }));
    },
  );

  app.post(
    "/api/v1/inventory/sweep",
    {
      schema: {
        tags,
        summary: "Start a sweep through networks that the configuration allows; one at a time",
        querystring: Scope,
        headers: IdempotencyHeaders,
        body: SweepRequest,
        response: { 200: Sweep, ...refusals },
      },
    },
    async (request) => {
      const { networks, ports = [] } = request.body;
      const asked = { requestId: requestIdOf(request), organisation: organisationOf(request), networks, ports };
      return sweepToJson(await inventory.startSweep(asked, onBehalfOf(request)));
    },
  );

  app.get(
    "/api/v1/inventory/sweeps/:sweep_id",
    {
      schema: {
        tags,
        summary: "How far a sweep has come",
        params: SweepParams,
        querystring: Scope,
        response: { 200: Sweep, ...refusals },
      },
    },
    async (request) => {
      const { sweep_id: id } = request.params;
      const wanted = { organisation: organisationOf(request), sweepId: id === "newest" ? "" : id };
      return sweepToJson(await inventory.getSweep(wanted, onBehalfOf(request)));
    },
  );
}
