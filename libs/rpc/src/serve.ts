import { Server } from "@grpc/grpc-js";
import { PkiError } from "@vcc-pki/errors";
import type { Logger, Telemetry } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import type { DenyList } from "./deny-list.ts";
import { createDispatcher, type Refusal } from "./dispatcher.ts";
import { grpcHandlers } from "./grpc-handlers.ts";
import { answerUnknownMethods } from "./grpc-internals.ts";
import { healthService } from "./health.ts";
import type { IdentitySource } from "./identity.ts";
import type { ServiceImplementation } from "./implement.ts";
import { DEFAULT_LIMITS, type RpcLimits } from "./limits.ts";
import { MutualTlsServerCredentials } from "./server-credentials.ts";

export interface ServeOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly identity: IdentitySource;
  readonly services: readonly ServiceImplementation[];
  /** Suite services whose `x-pki-requester` is believed. */
  readonly mayForward: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly telemetry?: Telemetry;
  readonly denyList?: DenyList;
  readonly trustDomain?: string;
  readonly limits?: Partial<RpcLimits>;
  /** Called for each call that was turned away before its handler ran, to be audited. Must not throw. */
  readonly onRefused?: (refusal: Refusal) => void;
}

export interface RpcServer {
  readonly port: number;
  /** What grpc.health.v1 says. A server starts as serving. */
  setServing(serving: boolean): void;
  /** Stops accepting, lets open calls finish for at most `graceMs`, then cuts them off. */
  close(graceMs: number): Promise<void>;
}

/** Serves over gRPC with mutual TLS 1.3. Throws CONFIG_INVALID when the address cannot be bound. */
export async function serve(options: ServeOptions): Promise<RpcServer> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const health = healthService(options.services.map((service) => service.fullName));
  const dispatcher = createDispatcher({ ...options, limits, services: [...options.services, health.implementation] });
  const handlerOf = grpcHandlers(dispatcher, options.trustDomain);

  const server = new Server(channelOptions(limits));
  for (const method of dispatcher.methods.values()) {
    const type = shapeOf(method.requestStream, method.responseStream);
    server.register(method.path, handlerOf(method), identity, identity, type);
  }
  answerUnknownMethods(server, handlerOf);

  const credentials = new MutualTlsServerCredentials(options.identity, limits);
  const port = await bind(server, options, credentials);
  return {
    port,
    setServing: health.setServing,
    async close(graceMs) {
      health.setServing(false);
      const drained = Promise.all([dispatcher.drain(), new Promise((resolve) => server.tryShutdown(resolve))]);
      await within(graceMs, drained);
      dispatcher.close();
      server.forceShutdown();
      credentials.stopWatching();
    },
  };
}

const identity = (bytes: Buffer): Buffer => bytes;

const SHAPES = [
  ["unary", "serverStream"],
  ["clientStream", "bidi"],
] as const;

const shapeOf = (requestStream: boolean, responseStream: boolean) =>
  SHAPES[requestStream ? 1 : 0][responseStream ? 1 : 0];

const channelOptions = (limits: RpcLimits) => ({
  "grpc.max_receive_message_length": limits.maxReceiveBytes,
  "grpc.max_send_message_length": -1,
  "grpc.max_connection_age_ms": limits.maxConnectionAgeMs,
  // Calls in flight when the age is reached may finish; the longest are streams.
  "grpc.max_connection_age_grace_ms": limits.maxStreamAgeMs + limits.maxCallMs,
  "grpc.keepalive_time_ms": 60_000,
  "grpc.keepalive_timeout_ms": 20_000,
  "grpc.enable_channelz": 0,
});

function bind(server: Server, options: ServeOptions, credentials: MutualTlsServerCredentials): Promise<number> {
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const address = `${host}:${options.port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (cause, port) => {
      if (cause) reject(new PkiError("CONFIG_INVALID", `cannot listen on ${address}`, { cause }));
      else resolve(port);
    });
  });
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
