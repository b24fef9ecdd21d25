import { randomUUID } from "node:crypto";
import type { KeyAlgorithmId } from "@vcc-pki/x509";
import { type Requested, requestFor } from "./keys.ts";
import { PARTNER, PARTNER_CA, type ProfileRequest, readProfileRequests, TENANT } from "./profiles.ts";
import { EXTERNAL, type IssuingSuite } from "./suite.ts";

export interface IssuedCertificate extends Pick<Requested, "privateKey"> {
  readonly label: string;
  readonly profile: string;
  readonly certificateId: string;
  readonly certificateDer: Uint8Array;
}

/** Organisations whose names the certificates carry, and authorities for each kind of key that an authority may have. */
export async function prepareTenants(suite: IssuingSuite): Promise<void> {
  const shared = ["vcc-services-ca", "vcc-code-signing-ca", "vcc-admin-ca"];
  const domain = ["*.conformance.vcc.test", "conformance.vcc.test"];
  for (const keyAlgorithm of AUTHORITY_KEYS) {
    const authorityId = authorityOf(keyAlgorithm);
    await suite.createAuthority({ organisation: "", authorityId, keyAlgorithm, profiles: ["mtls_service"] });
  }
  await suite.createOrganisation(TENANT, domain, [...shared, ...AUTHORITY_KEYS.map(authorityOf)]);
  await suite.createOrganisation(PARTNER, ["partner.test", "*.partner.test"], [EXTERNAL]);
  await suite.createAuthority({
    ...{ organisation: PARTNER, authorityId: PARTNER_CA, keyAlgorithm: "ec-p384" },
    ...{ profiles: ["external_integration"], permittedDns: ["partner.test"] },
  });
}

/** Beside P-384, which the authorities of the ceremony have. */
export const AUTHORITY_KEYS = ["ec-p256", "ec-p521", "ec-brainpoolp384r1", "rsa-3072", "ed25519"] as const;
export const authorityOf = (keyAlgorithm: string): string => `conformance-${keyAlgorithm}-ca`;

/** One certificate per profile and kind of key that it admits. */
export async function issueEveryProfile(suite: IssuingSuite): Promise<IssuedCertificate[]> {
  const issued: IssuedCertificate[] = [];
  for (const request of readProfileRequests()) {
    for (const keyAlgorithm of request.keyAlgorithms) issued.push(await issue(suite, request, keyAlgorithm));
  }
  return issued;
}

/** An mtls_service certificate of this authority; empty: of the profile's. */
export const issueService = (
  suite: IssuingSuite,
  label: string,
  authorityId = "",
  keyAlgorithm: KeyAlgorithmId = "ec-p256",
): Promise<IssuedCertificate> =>
  issue(
    suite,
    {
      ...{ profile: "mtls_service", organisation: TENANT, authorityId, keyAlgorithms: [] },
      names: { dns: ["covina.conformance.vcc.test"] },
    },
    keyAlgorithm,
    label,
  );

async function issue(
  suite: IssuingSuite,
  { profile, organisation, authorityId, service, names }: ProfileRequest,
  keyAlgorithm: KeyAlgorithmId,
  label = `${profile} ${keyAlgorithm}`,
): Promise<IssuedCertificate> {
  const { privateKey, csrDer } = requestFor(keyAlgorithm, names);
  const certificates = service === undefined ? suite.certificates : suite.certificatesAs(service);
  const { certificate } = await certificates.issue(
    { requestId: randomUUID(), organisation, profile, csrDer, authorityId, validitySeconds: 0 },
    service === undefined ? suite.operator : {},
  );
  if (certificate === undefined) throw new Error(`no certificate in the answer for ${label}`);
  const { certificateId, certificateDer } = certificate;
  return { label, profile, certificateId, certificateDer, privateKey };
}
