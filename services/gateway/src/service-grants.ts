import { PkiError } from "@vcc-pki/errors";
import {
  type CertificateServiceDefinition,
  CertificateState,
  RevocationReason,
  type ServiceGrantServiceDefinition,
} from "@vcc-pki/proto/ca";
import type { RegistryServiceDefinition, Service } from "@vcc-pki/proto/discovery";
import type { CallOptions, Remote } from "@vcc-pki/rpc";

/** The profile of a service of which nothing else is said. */
export const DEFAULT_PROFILE = "mtls_service";

type Key = { readonly organisation: string; readonly service: string };

/** What is registered of a service; undefined: nothing. */
export async function findService(
  { registry }: { readonly registry: Remote<RegistryServiceDefinition> },
  key: Key,
  as: CallOptions,
): Promise<Service | undefined> {
  try {
    return await registry.get(key, as);
  } catch (error) {
    if (error instanceof PkiError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

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

/** Ends the grants without end of a service that are for something else than it may have now. */
export async function withdrawOthers(
  { grants }: { readonly grants: Remote<ServiceGrantServiceDefinition> },
  { organisation, service, ...now }: Granted,
  requestId: string,
  as: CallOptions,
): Promise<void> {
  const { grants: made } = await grants.list({ organisation, service }, as);
  const others = made.filter(
    ({ dnsNames, ipAddresses, profile, expiresAt, withdrawnAt }) =>
      withdrawnAt === undefined && expiresAt === undefined && !isSame({ dnsNames, ipAddresses, profile }, now),
  );
  for (const { grantId } of others)
    await grants.withdraw({ requestId: `${requestId}.${grantId}`, organisation, service, grantId }, as);
}

type Names = Pick<Granted, "dnsNames" | "ipAddresses" | "profile">;

/** In whatever order. */
export const isSame = (a: Names, b: Names): boolean => textOf(a) === textOf(b);

const textOf = ({ dnsNames, ipAddresses, profile }: Names): string =>
  JSON.stringify([dnsNames.toSorted(), ipAddresses.toSorted(), profile]);

/** Certificates of one service at a time, at most. */
const AT_ONCE = 100;

/** Revokes every valid certificate of a service. One that lives too short to be revoked runs out by itself. */
export async function endIdentity(
  {
    certificates,
    trustDomain,
  }: { readonly certificates: Remote<CertificateServiceDefinition>; readonly trustDomain: string },
  { organisation, service }: Key,
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
