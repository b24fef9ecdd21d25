import type { Logger, Telemetry } from "@vcc-pki/telemetry";
import { type OutgoingCall, remoteOver } from "./client-call.ts";
import { clientTelemetry } from "./client-telemetry.ts";
import type { Remote, ServiceDefinition } from "./definition.ts";
import { grpcTransport } from "./grpc-transport.ts";
import type { IdentitySource } from "./identity.ts";

export interface ConnectOptions {
  /** "127.0.0.1:7402" or "ca.internal:7402". */
  readonly address: string;
  readonly identity: IdentitySource;
  /** SPIFFE URI of the server. */
  readonly expect: string;
  readonly log: Logger;
  readonly telemetry?: Telemetry;
  readonly trustDomain?: string;
  /** Of unary calls that name none. */
  readonly defaultDeadlineMs?: number;
  /** Largest message received, in bytes. */
  readonly maxReceiveBytes?: number;
}

/** A service on another machine, over mutual TLS. Connects at the first call and again whenever it has to; after the identity is
 *  renewed, new calls use a new connection while those in flight finish on the old one. Nothing is retried. */
export function connect<D extends ServiceDefinition>(
  definition: D,
  options: ConnectOptions,
): Remote<D> & { close(): void } {
  const transport = grpcTransport(options);
  const remote = remoteOver(definition, transport, {
    defaultDeadlineMs: options.defaultDeadlineMs ?? 10_000,
    traced: clientTelemetry(options.telemetry),
  });
  return { ...remote, close: transport.close };
}

export type { OutgoingCall };
