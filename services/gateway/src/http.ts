import { randomUUIDv7 } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:https";
import type { SpiffeId } from "@vcc-pki/rpc";
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";

/** The Fastify instance every file of routes adds to: HTTPS, with zod schemas. */
export type App = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>;

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks, from the client certificate. Set before anything of the request is looked at, but on routes for anyone. */
    requester: ClientId;
    traceId: string;
  }
  interface FastifyContextConfig {
    /** The kinds of clients that may use the route; administrators alone when absent. "anyone": no certificate is looked at, even if there is one. */
    readonly clients?: readonly ClientId["kind"][] | "anyone";
  }
}

/** A person or a service of an organisation. The services of the suite do not come through this door. */
export type ClientId = Extract<SpiffeId, { kind: "admin" | "workload" }>;

export type WorkloadId = Extract<SpiffeId, { kind: "workload" }>;

export type AdminId = Extract<SpiffeId, { kind: "admin" }>;

/** For routes that workloads may use as well. */
export const FOR_WORKLOADS_TOO = { clients: ["admin", "workload"] } as const;

/** For routes that workloads alone may use: agents. */
export const FOR_WORKLOADS = { clients: ["workload"] } as const;

/** For the few routes of who has no certificate yet. Nothing they do is in anybody's name. */
export const FOR_ANYONE = { clients: "anyone" } as const;

/** The service that asks. For routes that workloads alone may use. */
export function workloadOf({ requester }: Pick<FastifyRequest, "requester">): WorkloadId {
  if (requester.kind !== "workload") throw new Error("a route for workloads let another in");
  return requester;
}

/** Where a request comes from, without the prefix that IPv6 sockets give IPv4 addresses (RFC 4291 section 2.5.5.2). */
export const addressOf = ({ raw }: Pick<FastifyRequest, "raw">): string =>
  (raw.socket.remoteAddress ?? "").replace(/^::ffff:(?=\d+\.)/i, "");

/** The person who asks. For routes that administrators alone may use. */
export function adminOf({ requester }: Pick<FastifyRequest, "requester">): AdminId {
  if (requester.kind !== "admin") throw new Error("a route for administrators let another in");
  return requester;
}

/** The `request_id` of a write: the caller's Idempotency-Key (quotes of RFC 8941 strings removed), else a new UUIDv7. */
export function requestIdOf(request: { headers: Readonly<Record<string, unknown>> }): string {
  const key = request.headers["idempotency-key"];
  return typeof key === "string" ? key.replaceAll('"', "") : randomUUIDv7();
}

/** Options of a call to another service in the requester's name. */
export const onBehalfOf = (request: Pick<FastifyRequest, "requester">) => ({ requester: request.requester });

/** The organisation a request is for; empty lets the ca take the requester's own. */
export const organisationOf = (request: { query: { organisation?: string } }): string =>
  request.query.organisation ?? "";
