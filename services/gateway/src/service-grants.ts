import { PkiError } from "@vcc-pki/errors";
import {
  type CertificateServiceDefinition,
  CertificateState,
  RevocationReason,
  type ServiceGrantServiceDefinition,
} from "@vcc-pki/proto/ca";
import type { CallOptions, Remote } from "@vcc-pki/rpc";

/** The profile of a service of which nothing else is said. */
export const DEFAULT_PROFILE = "mtls_service";

export interface Granted {
  readonly organisation: string;
  readonly service: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly profile: string;
}

/** Tells the ca, in the administrator's name, what the discovery service may obtain a certificate for. Under its own part of the request id, so that a repeat goes
 *  on where the first attempt ended. `expiresAt` undefined: until it is withdrawn. */
export async function grantService(
  { grants }: { readonly grants: Remote<ServiceGrantServiceDefinition> },
  granted: Granted,
  requestId: string,
  as: CallOptions,
  expiresAt?: Date,
): Promise<void> {
  const { organisation, service, dnsNames, ipAddresses, profile } = granted;
  await grants.grant(
    {
      ...{ requestId: `${requestId}.grant`, organisation, service, profile: profile || DEFAULT_PROFILE },
      ...{ dnsNames: [...dnsNames], ipAddresses: [...ipAddresses], expiresAt },
    },
    as,
  );
}

/** Certificates of one service at a time, at most. */
const AT_ONCE = 100;

/** Revokes every valid certificate of a service. One that lives too short to be revoked runs out by itself. */
export async function endIdentity(
  {
    certificates,
    trustDomain,
  }: { readonly certificates: Remote<CertificateServiceDefinition>; readonly trustDomain: string },
  { organisation, service }: { readonly organisation: string; readonly service: string },
  requestId: string,
  as: CallOptions,
): Promise<void> {
  const held = await certificates.list(
    {
      ...{ organisation, authorityId: "", profile: "", state: CertificateState.VALID, expiresBefore: undefined },
      ...{ name: `spiffe://${trustDomain}/org/${organisation}/service/${service}`, pageSize: AT_ONCE, pageToken: "" },
    },
    as,
  );
  for (const { certificateId, serialHex } of held.certificates) {
    const revocation = { requestId: `${requestId}.${serialHex}`, organisation, certificateId };
    try {
      await certificates.revoke(
        { ...revocation, reason: RevocationReason.CESSATION_OF_OPERATION, invalidityDate: undefined },
        as,
      );
    } catch (error) {
      if (!(error instanceof PkiError && error.code === "CERTIFICATE_NOT_REVOCABLE")) throw error;
    }
  }
}
