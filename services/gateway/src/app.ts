import type { RequestListener } from "node:http";
import type { Server } from "node:https";
import { TLSSocket } from "node:tls";
import { PkiError } from "@vcc-pki/errors";
import type { Logger, Telemetry } from "@vcc-pki/telemetry";
import fastify, { type FastifyRequest } from "fastify";
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from "fastify-type-provider-zod";
import { addErrorAnswers, answerBadUrl, answerUnparsable } from "./error-answers.ts";
import { addSecurityHeaders } from "./headers.ts";
import { type App, addressOf } from "./http.ts";
import type { Identify } from "./identity.ts";
import type { RateLimiter } from "./rate-limit.ts";
import type { Strangers } from "./strangers.ts";
import { addTracing } from "./tracing.ts";

const BODY_LIMIT_BYTES = 256 * 1024;
/** Certificate ids are the longest thing in a path. */
const MAX_PARAM_LENGTH = 200;

export interface AppOptions {
  readonly createServer: (listener: RequestListener) => Server;
  readonly identify: Identify;
  readonly rateLimiter: RateLimiter;
  /** For routes that are open to anyone. */
  readonly strangers: Strangers;
  readonly log: Logger;
  readonly telemetry: Telemetry;
}

/** The door without its routes. Each request goes through the same steps, unknown paths included:
 *  1 trace, 2 headers that would name a client are dropped, 3 the client is identified, and is of a kind
 *  that the route is for (but for the few routes that are open to anyone), 4 the rate limit is asked,
 *  5 the shape is checked by the route's schema, 6 the route runs; whatever fails becomes a problem. */
export function createApp({ createServer, identify, rateLimiter, strangers, log, telemetry }: AppOptions): App {
  const app: App = fastify({
    serverFactory: createServer,
    bodyLimit: BODY_LIMIT_BYTES,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: answerBadUrl,
    clientErrorHandler: answerUnparsable,
    return503OnClosing: true,
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  takeOnlyJsonAndPkcs10(app);

  addTracing(app, telemetry, log);
  addSecurityHeaders(app);
  app.addHook("onRequest", async (request, reply) => {
    const { clients = ["admin"] } = request.routeOptions.config;
    if (!tlsSocketOf(request).authorized) reply.header("connection", "close");
    if (clients === "anyone") return requirePatience(await waitOfAnyone(request));
    request.requester = await identify(tlsSocketOf(request));
    if (!clients.includes(request.requester.kind))
      throw new PkiError("CALLER_NOT_ALLOWED", NOT_FOR[clients.join()] ?? "");
    requirePatience(rateLimiter.take(request.requester.uri));
  });
  addErrorAnswers(app, log);
  return app;

  /** Who shows a certificate that is accepted is no stranger: a thousand agents behind one address do not wait for each other. */
  async function waitOfAnyone(request: FastifyRequest): Promise<number> {
    const socket = tlsSocketOf(request);
    const known = socket.authorized ? await identify(socket).catch(() => undefined) : undefined;
    return known ? rateLimiter.take(known.uri) : strangers.take(addressOf(request));
  }
}

const NOT_FOR: Readonly<Record<string, string>> = {
  admin: "only administrators may do this",
  workload: "only a service may do this, by its own certificate",
};

function requirePatience(waitMs: number): void {
  if (waitMs === 0) return;
  const details = { retryAfterSeconds: String(Math.ceil(waitMs / 1000)) };
  throw new PkiError("RATE_LIMITED", "too many requests", { details });
}

/** A body of any other type is refused with 415 before it is read. */
function takeOnlyJsonAndPkcs10(app: App): void {
  app.removeContentTypeParser("text/plain");
  app.addContentTypeParser("application/pkcs10", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
}

/** The connection a request came over; it carries the client certificate. */
export function tlsSocketOf(request: FastifyRequest): TLSSocket {
  const { socket } = request.raw;
  if (socket instanceof TLSSocket) return socket;
  throw new Error("the gateway listens without TLS");
}
