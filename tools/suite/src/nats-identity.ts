import { CertificateServiceDefinition } from "@vcc-pki/proto/ca";
import { connect, suiteId } from "@vcc-pki/rpc";
import { fileIdentity, startRenewal } from "@vcc-pki/service";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";

export interface NatsIdentityOptions {
  /** Holds key.pem, chain.pem and trust.pem of the server. */
  readonly directory: string;
  /** Where the ca serves gRPC. */
  readonly ca: { readonly host: string; readonly port: number };
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when new files are in place, for the server to read. */
  readonly onRenewed: () => void;
}

/** Renews the certificate of the NATS server as each service renews its own. The supervisor does it in the server's name:
 *  it started the server, and owns the same files. */
export function keepNatsIdentity({ directory, ca, clock, log, onRenewed }: NatsIdentityOptions): { close(): void } {
  const identity = fileIdentity(directory, log);
  const address = `${ca.host}:${ca.port}`;
  const remote = connect(CertificateServiceDefinition, { address, identity, expect: suiteId("ca"), log });
  const renewal = startRenewal({ directory, identity, ca: remote, clock, log, onRenewed });
  return {
    close() {
      renewal.stop();
      remote.close();
      identity.close();
    },
  };
}
