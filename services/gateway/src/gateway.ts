import type { Bus } from "@vcc-pki/events";
import type {
  AuthorityServiceDefinition,
  CertificateServiceDefinition,
  CrlServiceDefinition,
  OrganizationServiceDefinition,
  ProfileServiceDefinition,
  ServiceGrantServiceDefinition,
} from "@vcc-pki/proto/ca";
import type {
  AgentServiceDefinition,
  EnrolmentServiceDefinition,
  InventoryServiceDefinition,
  PolicyServiceDefinition,
  RegistryServiceDefinition,
} from "@vcc-pki/proto/discovery";
import type { ApprovalServiceDefinition, CustodianServiceDefinition } from "@vcc-pki/proto/hsm";
import type {
  HistoryServiceDefinition,
  NotificationServiceDefinition,
  ReportServiceDefinition,
} from "@vcc-pki/proto/lifecycle";
import type { StatusServiceDefinition } from "@vcc-pki/proto/ocsp";
import type {
  RecallServiceDefinition,
  SignatureServiceDefinition,
  SignerServiceDefinition,
  VerificationServiceDefinition,
} from "@vcc-pki/proto/signing";
import type { TimestampServiceDefinition } from "@vcc-pki/proto/tsa";
import type { DenyList, IdentitySource, Remote } from "@vcc-pki/rpc";
import type { Logger, Telemetry } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import type { FastifyRequest } from "fastify";
import { createApp, tlsSocketOf } from "./app.ts";
import { createApprovalAccess } from "./approval-access.ts";
import { createClientIssuers } from "./client-issuers.ts";
import { createClientStatus } from "./client-status.ts";
import type { DoorConfig } from "./config.ts";
import type { App } from "./http.ts";
import { createIdentify, type Identify } from "./identity.ts";
import { addOpenApi } from "./openapi.ts";
import { createRateLimiter } from "./rate-limit.ts";
import { httpResponder } from "./responder.ts";
import { agentRoutes } from "./routes/agents.ts";
import { approvalRoutes } from "./routes/approvals.ts";
import { authorityRoutes } from "./routes/authorities.ts";
import { certificateRequestRoute } from "./routes/certificate-request.ts";
import { certificateRoutes } from "./routes/certificates.ts";
import { crlRoute } from "./routes/crl.ts";
import { enrolRoutes } from "./routes/enrol.ts";
import { enrolmentRequestRoutes } from "./routes/enrolment-requests.ts";
import { enrolmentTokenRoutes } from "./routes/enrolment-tokens.ts";
import { eventRoute } from "./routes/events.ts";
import { type HealthRouteOptions, healthRoute } from "./routes/health.ts";
import { inventoryRoutes } from "./routes/inventory.ts";
import { lifecycleRoutes } from "./routes/lifecycle.ts";
import { matrixRoutes } from "./routes/matrix.ts";
import { noticeRoutes } from "./routes/notices.ts";
import { ocspRoute } from "./routes/ocsp.ts";
import { organisationRoutes } from "./routes/organisations.ts";
import { profileRoutes } from "./routes/profiles.ts";
import { recallRoutes } from "./routes/recalls.ts";
import { serviceRoutes } from "./routes/services.ts";
import { signerRoutes } from "./routes/signers.ts";
import { signingRoutes } from "./routes/signing.ts";
import { stampedDocumentRoutes } from "./routes/stamped-document.ts";
import { timeStampCheckRoutes } from "./routes/time-stamp-check.ts";
import { timestampRoute } from "./routes/timestamp.ts";
import { trustRoute } from "./routes/trust.ts";
import { tsaRoutes } from "./routes/tsa.ts";
import { verificationRoutes } from "./routes/verification.ts";
import { createStrangers } from "./strangers.ts";
import { createTlsServer } from "./tls.ts";

export const VERSION = "0.1.0";

/** The services behind the door. */
export interface Peers {
  readonly organisations: Remote<OrganizationServiceDefinition>;
  readonly authorities: Remote<AuthorityServiceDefinition>;
  readonly profiles: Remote<ProfileServiceDefinition>;
  readonly certificates: Remote<CertificateServiceDefinition>;
  readonly crls: Remote<CrlServiceDefinition>;
  readonly approvals: Remote<ApprovalServiceDefinition>;
  readonly custodians: Remote<CustodianServiceDefinition>;
  readonly status: Remote<StatusServiceDefinition>;
  readonly timestamps: Remote<TimestampServiceDefinition>;
  readonly signers: Remote<SignerServiceDefinition>;
  readonly signatures: Remote<SignatureServiceDefinition>;
  readonly recalls: Remote<RecallServiceDefinition>;
  readonly verification: Remote<VerificationServiceDefinition>;
  readonly inventory: Remote<InventoryServiceDefinition>;
  readonly grants: Remote<ServiceGrantServiceDefinition>;
  readonly registry: Remote<RegistryServiceDefinition>;
  readonly enrolment: Remote<EnrolmentServiceDefinition>;
  readonly agents: Remote<AgentServiceDefinition>;
  readonly policy: Remote<PolicyServiceDefinition>;
  readonly history: Remote<HistoryServiceDefinition>;
  readonly reports: Remote<ReportServiceDefinition>;
  readonly notifications: Remote<NotificationServiceDefinition>;
}

export interface GatewayOptions {
  readonly config: DoorConfig;
  readonly trustDomain: string;
  readonly peers: Peers;
  readonly identity: IdentitySource;
  readonly denyList: DenyList;
  /** Undefined when the suite runs without NATS. */
  readonly bus: Pick<Bus, "tail"> | undefined;
  /** Whether the services behind the door serve. */
  readonly health: HealthRouteOptions["ready"];
  readonly clock: Clock;
  readonly log: Logger;
  readonly telemetry: Telemetry;
}

/** The whole door, not yet listening. Closing it ends event streams too. */
export async function buildGateway(options: GatewayOptions): Promise<App> {
  const { config, trustDomain, peers, identity, denyList, clock, log, telemetry } = options;
  const issuersOf = (authorityIds: readonly string[]) =>
    createClientIssuers({
      authorities: peers.authorities,
      authorityIds,
      organisation: config.operatorOrganisation,
      refreshMs: config.clientIssuersRefresh,
      clock,
      log,
    });
  const issuers = { admin: issuersOf(config.adminIssuers), workload: issuersOf(config.workloadIssuers) };
  const refreshMs = config.clientStatusRefresh;
  const status = createClientStatus({ certificates: peers.certificates, refreshMs, clock, log });
  const identify = createIdentify({ issuers, status, denyList, trustDomain, clock });
  const app = createApp({
    createServer: (listener) => createTlsServer(identity, listener),
    identify,
    rateLimiter: createRateLimiter(config.rateLimit, clock),
    strangers: createStrangers(config.strangers, clock),
    log,
    telemetry,
  });
  await addOpenApi(app, VERSION);
  addRoutes(app, options, identify);
  return app;
}

function addRoutes(app: App, options: GatewayOptions, identify: Identify): void {
  const { config, trustDomain, peers, bus, denyList, clock, health } = options;
  const closing = new AbortController();
  app.addHook("preClose", async () => closing.abort());

  const streams = {
    heartbeatMs: config.eventHeartbeat,
    denyList,
    identifyAgain: (request: FastifyRequest) => identify(tlsSocketOf(request)),
    closing: closing.signal,
  };

  authorityRoutes(app, peers.authorities);
  certificateRequestRoute(app, peers.certificates);
  certificateRoutes(app, peers.certificates);
  crlRoute(app, peers.crls, clock);
  ocspRoute(app, { ...peers, responder: httpResponder(config.statusOrigin) });
  timestampRoute(app, peers.timestamps);
  tsaRoutes(app, peers.timestamps);
  timeStampCheckRoutes(app, peers.timestamps);
  signerRoutes(app, peers.signers, peers.certificates);
  signingRoutes(app, peers.signatures, peers.signers);
  recallRoutes(app, peers.signatures, peers.recalls);
  verificationRoutes(app, peers.verification);
  inventoryRoutes(app, peers.inventory);
  matrixRoutes(app, peers.policy);
  lifecycleRoutes(app, { ...peers, clock });
  noticeRoutes(app, peers.notifications);
  stampedDocumentRoutes(app, peers.timestamps);
  approvalRoutes(app, peers.approvals, createApprovalAccess({ ...peers, ...config }));
  organisationRoutes(app, peers.organisations);
  profileRoutes(app, peers.profiles);
  trustRoute(app, peers.authorities);
  serviceRoutes(app, { ...peers, trustDomain });
  enrolmentTokenRoutes(app, { ...peers, clock });
  enrolmentRequestRoutes(app, peers);
  enrolRoutes(app, peers);
  agentRoutes(app, { ...peers, ...streams });
  eventRoute(app, { bus, authorities: peers.authorities, ...streams });
  healthRoute(app, { version: VERSION, clock, ready: health });
}
