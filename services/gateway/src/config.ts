import { BaseConfig, Duration } from "@vcc-pki/service";
import { z } from "zod";
import { AuthorityId, OrganisationId } from "./api/fields.ts";

/** What the door itself is told, apart from where it stands. */
const doorShape = {
  /** The organisation that operates the suite and owns the authorities below. */
  operatorOrganisation: OrganisationId.default("vcc"),
  /** Authorities of the operator whose certificates make an administrator. */
  adminIssuers: z.array(AuthorityId).min(1).default(["vcc-admin-ca"]),
  /** Authorities of the operator whose certificates make a workload: a service of an organisation. */
  workloadIssuers: z.array(AuthorityId).min(1).default(["vcc-services-ca"]),
  /** How long the ca's answer about these authorities is used before it is asked again. A revoked one is refused after that. */
  clientIssuersRefresh: Duration.prefault("1m"),
  /** How long the ca's answer about a client's certificate is used: the longest a revoked one gets through without a push. */
  clientStatusRefresh: Duration.prefault("5s"),
  /** Origin of the ocsp service, where OCSP requests are handed on to. */
  statusOrigin: z.url({ protocol: /^http$/ }),
  /** Requests of one client: kept up per second, and at once after a pause. */
  rateLimit: z
    .strictObject({ perSecond: z.number().positive(), burst: z.int().positive() })
    .default({ perSecond: 100, burst: 200 }),
  /** Requests of who has no certificate, by address and together: enrolment and the trust bundle. */
  strangers: z
    .strictObject({
      perAddress: z.strictObject({ perSecond: z.number().positive(), burst: z.int().positive() }),
      together: z.strictObject({ perSecond: z.number().positive(), burst: z.int().positive() }),
    })
    .default({ perAddress: { perSecond: 10, burst: 50 }, together: { perSecond: 100, burst: 500 } }),
  /** How often a quiet event stream shows that it is alive, and how often the right to it is looked at again. */
  eventHeartbeat: Duration.prefault("15s"),
};

const DoorConfig = z.strictObject(doorShape);
export type DoorConfig = z.output<typeof DoorConfig>;

export const GatewayConfig = BaseConfig.extend({
  ...doorShape,
  /** Where HTTPS is served to people and tools. */
  https: z.strictObject({ host: z.string().min(1), port: z.int().min(0).max(65_535) }),
});
export type GatewayConfig = z.output<typeof GatewayConfig>;
