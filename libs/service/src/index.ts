export { Administrators, noSuchOrganisation, requireWorkload } from "./administrators.ts";
export { type AlarmFinding, Alarms, type AlarmsOptions } from "./alarms.ts";
export { auditRefusal } from "./audit-refusal.ts";
export { type Chore, type Chores, startChores } from "./chores.ts";
export { isNotModified, type Validators } from "./conditional.ts";
export { BaseConfig, type Environment, loadConfig } from "./config.ts";
export { defineService, type RunningService, type ServiceContext, type ServiceDefinition } from "./define.ts";
export { Duration } from "./duration.ts";
export type { PlainDoor, PlainQuestions } from "./fast-lane.ts";
export { endHttp, type HttpServer, type HttpServerOptions, openHttpServer } from "./http-server.ts";
export { type FileIdentity, fileIdentity, hasIdentity, writeIdentity } from "./identity-files.ts";
export { isMediaType } from "./media-type.ts";
export { type BodyReader, readBody } from "./read-body.ts";
export {
  createKeyAndCsr,
  type PendingIdentity,
  type Renewal,
  type RenewalOptions,
  renewIdentity,
  startRenewal,
} from "./renewal.ts";
export { REASON_NAMES } from "./revocation-reason.ts";
export { runService } from "./run.ts";
export { type StartedService, startService } from "./start.ts";
export { SuiteTrust, type SuiteTrustOptions } from "./suite-trust.ts";
