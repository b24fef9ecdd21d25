import { ca } from "@vcc-pki/ca";
import { hsmGateway } from "@vcc-pki/hsm-gateway";
import {
  AuthorityServiceDefinition,
  CertificateServiceDefinition,
  CrlServiceDefinition,
  OrganizationServiceDefinition,
} from "@vcc-pki/proto/ca";
import { ApprovalServiceDefinition, CustodianServiceDefinition } from "@vcc-pki/proto/hsm";
import { connectInProcess, createDenyList, type Remote, type ServiceDefinition } from "@vcc-pki/rpc";
import { loadConfig, type RunningService, type ServiceContext } from "@vcc-pki/service";
import type { Home } from "@vcc-pki/suite-tool";
import { type Logger, startTelemetry } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";

/** As whom the ceremony asks. */
const CEREMONY = "ceremony";
/** Creating a key and proving it takes a token its time. */
const DEADLINE_MS = 60_000;

export interface InProcessOptions {
  readonly home: Home;
  readonly clock: Clock;
  readonly log: Logger;
}

export type Configurations = ReturnType<typeof readConfigurations>;

/** The services' own configuration, as `./pki up` would give it to them. Throws CONFIG_INVALID. */
export function readConfigurations(home: Home) {
  const env = { ...process.env, PKI_HOME: home.directory };
  return {
    hsmGateway: loadConfig(home.configFile("hsm-gateway"), hsmGateway.config, env),
    ca: loadConfig(home.configFile("ca"), ca.config, env),
  };
}

/** The hsm-gateway and the ca in this process: the real services on their real databases and the real token, no network. */
export interface InProcessSuite {
  readonly approvals: Remote<ApprovalServiceDefinition>;
  readonly custodians: Remote<CustodianServiceDefinition>;
  readonly organisations: Remote<OrganizationServiceDefinition>;
  readonly authorities: Remote<AuthorityServiceDefinition>;
  readonly certificates: Remote<CertificateServiceDefinition>;
  readonly crls: Remote<CrlServiceDefinition>;
  /** The ca's door for certificates, as a service of the suite sees it. */
  certificatesAs(service: string): Remote<CertificateServiceDefinition>;
  close(): Promise<void>;
}

export async function startInProcess(
  configurations: Configurations,
  options: InProcessOptions,
): Promise<InProcessSuite> {
  const { clock, log } = options;
  const { trustDomain } = configurations.ca;
  await using started = new AsyncDisposableStack();
  const telemetry = startTelemetry({ service: CEREMONY });
  started.defer(() => telemetry.shutdown());
  const context = (connect: ServiceContext["connect"]): ServiceContext => ({
    ...{ clock, log, telemetry, trustDomain, connect, denyList: createDenyList() },
    ...{ bus: undefined, identity: undefined },
  });
  const connectTo = <D extends ServiceDefinition>(service: RunningService, definition: D, caller: string): Remote<D> =>
    connectInProcess(service.services, definition, {
      ...{ caller, clock, log, trustDomain, mayForward: service.mayForward },
      defaultDeadlineMs: DEADLINE_MS,
    });

  const hsm = await hsmGateway.start(configurations.hsmGateway, context(noPeers));
  started.defer(() => hsm.store?.close());
  started.defer(() => hsm.close());
  const authority = await ca.start(
    configurations.ca,
    context((definition) => connectTo(hsm, definition, "ca")),
  );
  started.defer(() => authority.store?.close());
  started.defer(() => authority.close());

  const running = started.move();
  return {
    approvals: connectTo(hsm, ApprovalServiceDefinition, CEREMONY),
    custodians: connectTo(hsm, CustodianServiceDefinition, CEREMONY),
    organisations: connectTo(authority, OrganizationServiceDefinition, CEREMONY),
    authorities: connectTo(authority, AuthorityServiceDefinition, CEREMONY),
    certificates: connectTo(authority, CertificateServiceDefinition, CEREMONY),
    crls: connectTo(authority, CrlServiceDefinition, CEREMONY),
    certificatesAs: (service) => connectTo(authority, CertificateServiceDefinition, service),
    close: () => running.disposeAsync(),
  };
}

const noPeers = (): never => {
  throw new Error("the hsm-gateway calls nobody");
};
