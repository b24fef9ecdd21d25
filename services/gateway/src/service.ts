import {
  AuthorityServiceDefinition,
  CertificateServiceDefinition,
  CrlServiceDefinition,
  OrganizationServiceDefinition,
  ProfileServiceDefinition,
  ServiceGrantServiceDefinition,
} from "@vcc-pki/proto/ca";
import {
  AgentServiceDefinition,
  EnrolmentServiceDefinition,
  InventoryServiceDefinition,
  PolicyServiceDefinition,
  RegistryServiceDefinition,
} from "@vcc-pki/proto/discovery";
import { HealthCheckResponse_ServingStatus, HealthDefinition } from "@vcc-pki/proto/health";
import { ApprovalServiceDefinition, CustodianServiceDefinition } from "@vcc-pki/proto/hsm";
import {
  HistoryServiceDefinition,
  NotificationServiceDefinition,
  ReportServiceDefinition,
} from "@vcc-pki/proto/lifecycle";
import { StatusServiceDefinition } from "@vcc-pki/proto/ocsp";
import {
  RecallServiceDefinition,
  SignatureServiceDefinition,
  SignerServiceDefinition,
  VerificationServiceDefinition,
} from "@vcc-pki/proto/signing";
import { TimestampServiceDefinition } from "@vcc-pki/proto/tsa";
import type { Remote } from "@vcc-pki/rpc";
import { defineService, type ServiceContext } from "@vcc-pki/service";
import type { ReadinessReport } from "@vcc-pki/telemetry";
import { GatewayConfig } from "./config.ts";
import { buildGateway, type Peers } from "./gateway.ts";

const READY_DEADLINE_MS = 1_500;
/** Without them the door is of no use. Without the others it serves on. */
const NEEDED = ["ca", "hsm-gateway"];

/** The REST door. It keeps nothing: no database, no key but its own identity. */
export const gateway = defineService({
  name: "gateway",
  config: GatewayConfig,
  async start(config, context) {
    const { identity, trustDomain, denyList, bus, clock, log, telemetry } = context;
    if (identity === undefined) throw new Error("the gateway has no identity to show");
    const [ready, health] = [
      readiness(context, NEEDED),
      readiness(context, [...NEEDED, "ocsp", "tsa", "signing", "discovery", "lifecycle"]),
    ];
    const app = await buildGateway({
      ...{ config, trustDomain, identity, denyList, bus, health, clock, log, telemetry },
      peers: connectPeers(context),
    });
    await app.listen(config.https);
    return { services: [], ready, close: () => app.close() };
  },
});

const connectPeers = ({ connect }: ServiceContext): Peers => ({
  organisations: connect(OrganizationServiceDefinition, "ca"),
  authorities: connect(AuthorityServiceDefinition, "ca"),
  profiles: connect(ProfileServiceDefinition, "ca"),
  certificates: connect(CertificateServiceDefinition, "ca"),
  crls: connect(CrlServiceDefinition, "ca"),
  approvals: connect(ApprovalServiceDefinition, "hsm-gateway"),
  custodians: connect(CustodianServiceDefinition, "hsm-gateway"),
  status: connect(StatusServiceDefinition, "ocsp"),
  timestamps: connect(TimestampServiceDefinition, "tsa"),
  signers: connect(SignerServiceDefinition, "signing"),
  signatures: connect(SignatureServiceDefinition, "signing"),
  recalls: connect(RecallServiceDefinition, "signing"),
  verification: connect(VerificationServiceDefinition, "signing"),
  inventory: connect(InventoryServiceDefinition, "discovery"),
  grants: connect(ServiceGrantServiceDefinition, "ca"),
  registry: connect(RegistryServiceDefinition, "discovery"),
  enrolment: connect(EnrolmentServiceDefinition, "discovery"),
  agents: connect(AgentServiceDefinition, "discovery"),
  policy: connect(PolicyServiceDefinition, "discovery"),
  history: connect(HistoryServiceDefinition, "lifecycle"),
  reports: connect(ReportServiceDefinition, "lifecycle"),
  notifications: connect(NotificationServiceDefinition, "lifecycle"),
});

/** Asks the services behind the door whether they serve (grpc.health.v1), and whether the bus is there. */
function readiness({ connect, bus }: ServiceContext, names: readonly string[]): () => Promise<ReadinessReport> {
  const peers = names.map((name) => ({ name, health: connect(HealthDefinition, name) }));
  return async () => {
    const reports = await Promise.all(peers.map(async ({ name, health }) => [name, await isServing(health)] as const));
    const nats = bus === undefined ? [] : [["nats", bus.connected || "not connected"] as const];
    return Object.fromEntries([...reports, ...nats]);
  };
}

async function isServing(health: Remote<HealthDefinition>): Promise<true | string> {
  try {
    const { status } = await health.check({ service: "" }, { deadlineMs: READY_DEADLINE_MS });
    return status === HealthCheckResponse_ServingStatus.SERVING || "not serving";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "no answer";
  }
}
