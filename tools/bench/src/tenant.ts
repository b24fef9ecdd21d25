import { randomUUIDv7 } from "node:crypto";
import {
  AuthorityServiceDefinition,
  AuthorityState,
  CertificateServiceDefinition,
  IsolationLevel,
  OrganizationServiceDefinition,
} from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import type { Suite } from "@vcc-pki/suite-tool";
import { buildCsrPool } from "./csr-pool.ts";

export const ORGANISATION = "bench";
export const PROFILE = "mtls_service";
/** DNS name of the nth service of the organisation. */
export const dnsNameOf = (index: number): string => `service-${index}.bench.test`;

const OPERATOR = "spiffe://vcc.internal/org/vcc/admin/operator";
const AUTHORITIES = { p256: "bench-p256-ca", p384: "vcc-services-ca" } as const;

/** An organisation of its own with two issuing authorities. */
export interface Tenant {
  readonly authorityIds: { readonly p256: string; readonly p384: string };
  readonly certificates: Remote<typeof CertificateServiceDefinition>;
  /** From CSR to durable certificate. */
  issue(csrDer: Uint8Array, authorityId: string): Promise<Uint8Array>;
}

/** Makes a P-256 authority and an organisation that may use it. */
export async function createTenant(suite: Suite): Promise<Tenant> {
  await createAuthority(suite);
  const organisations = suite.connect(OrganizationServiceDefinition, "ca", "gateway");
  await organisations.create(
    {
      ...{ requestId: randomUUIDv7(), organisation: ORGANISATION, name: "Bench", adminContact: "" },
      ...{ isolationLevel: IsolationLevel.STRICT, isolationPolicy: undefined },
      allowedNames: ["*.bench.test"],
      allowedNetworks: [],
      authorityIds: Object.values(AUTHORITIES),
    },
    AS_OPERATOR,
  );
  const membership = { organisation: ORGANISATION, identity: OPERATOR, expiresAt: undefined };
  await organisations.grantMembership({ requestId: randomUUIDv7(), membership }, AS_OPERATOR);
  return openTenant(suite);
}

/** The organisation that `createTenant` made on the suite's home. */
export function openTenant(suite: Suite): Tenant {
  const certificates = suite.connect(CertificateServiceDefinition, "ca", "gateway");
  return {
    authorityIds: AUTHORITIES,
    certificates,
    async issue(csrDer, authorityId) {
      const request = { organisation: ORGANISATION, profile: PROFILE, csrDer, authorityId, validitySeconds: 0 };
      const { chainDer } = await certificates.issue({ requestId: randomUUIDv7(), ...request }, AS_OPERATOR);
      return chainDer[0] ?? new Uint8Array();
    },
  };
}

/** Certificates of one authority, as many as are wanted, issued by 64 at once. */
export async function issueMany(tenant: Tenant, authorityId: string, count: number): Promise<readonly Uint8Array[]> {
  const csrs = buildCsrPool(Math.min(count, 512), dnsNameOf);
  const issued: Uint8Array[] = [];
  let next = 0;
  const work = async () => {
    while (next < count) {
      const index = next++;
      issued[index] = await tenant.issue(csrs[index % csrs.length] ?? new Uint8Array(), authorityId);
    }
  };
  await Promise.all(Array.from({ length: 64 }, work));
  return issued;
}

/** The options under which the operator administers the tenant. */
export const AS_OPERATOR = { requester: OPERATOR } as const;

/** Below the one authority that issues authorities without asking custodians each time. */
async function createAuthority(suite: Suite): Promise<void> {
  const authorities = suite.connect(AuthorityServiceDefinition, "ca", "gateway");
  const { state } = await authorities.create(
    {
      ...{ requestId: randomUUIDv7(), organisation: "", authorityId: AUTHORITIES.p256 },
      ...{ parentId: "vcc-external-orgs-ca", commonName: "Bench P-256 CA", keyAlgorithm: "ec-p256", validityDays: 0 },
      ...{ profiles: [PROFILE], mayIssueAuthorities: false, nameConstraints: undefined, quorumThreshold: 0 },
    },
    AS_OPERATOR,
  );
  if (state !== AuthorityState.ACTIVE) throw new Error(`the authority is ${state}`);
}
