import { createPrivateKey, randomUUIDv7 } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  AuthorityServiceDefinition,
  AuthorityState,
  CertificateServiceDefinition,
  IsolationLevel,
  OrganizationServiceDefinition,
} from "@vcc-pki/proto/ca";
import { ApprovalServiceDefinition, Decision } from "@vcc-pki/proto/hsm";
import type { Remote } from "@vcc-pki/rpc";
import { signDecision } from "@vcc-pki/signer";
import type { Suite } from "./suite.ts";

export const ORGANISATION = "bench";
export const PROFILE = "mtls_service";
/** DNS name of the nth service of the organisation. */
export const dnsNameOf = (index: number): string => `service-${index}.bench.vcc.internal`;

const OPERATOR = "spiffe://vcc.internal/org/vcc/admin/operator";
const AUTHORITIES = { p256: "bench-p256-ca", p384: "vcc-services-ca" } as const;
const PATIENCE_MS = 20_000;

/** An organisation of its own with two issuing authorities. */
export interface Tenant {
  readonly authorityIds: { readonly p256: string; readonly p384: string };
  readonly certificates: Remote<typeof CertificateServiceDefinition>;
  /** From CSR to durable certificate. */
  issue(csrDer: Uint8Array, authorityId: string): Promise<Uint8Array>;
}

/** Makes a P-256 authority below the root, with the development custodians' approval, and an organisation that may use it. */
export async function createTenant(suite: Suite): Promise<Tenant> {
  await createAuthority(suite, AS_OPERATOR);
  const organisations = suite.connect(OrganizationServiceDefinition, "ca", "gateway");
  await organisations.create(
    {
      ...{ requestId: randomUUIDv7(), organisation: ORGANISATION, name: "Bench", adminContact: "" },
      ...{ isolationLevel: IsolationLevel.STRICT, isolationPolicy: undefined },
      allowedNames: ["*.bench.vcc.internal"],
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

/** The options under which the operator administers the tenant. */
export const AS_OPERATOR = { requester: OPERATOR } as const;

async function createAuthority(suite: Suite, as: typeof AS_OPERATOR): Promise<void> {
  const authorities = suite.connect(AuthorityServiceDefinition, "ca", "gateway");
  const wanted = { organisation: "", authorityId: AUTHORITIES.p256 };
  const created = await authorities.create(
    {
      ...{ ...wanted, requestId: randomUUIDv7(), parentId: "vcc-root-ca", commonName: "Bench P-256 CA" },
      ...{ keyAlgorithm: "ec-p256", validityDays: 0, profiles: [PROFILE], mayIssueAuthorities: false },
      ...{ nameConstraints: undefined, quorumThreshold: 0 },
    },
    as,
  );
  if (created.approvalId !== "") await approve(suite, created.approvalId);
  for (const deadline = AbortSignal.timeout(PATIENCE_MS); ; await sleep(100, undefined, { signal: deadline })) {
    const { state, approvalId } = await authorities.get(wanted, as);
    if (state === AuthorityState.ACTIVE) return;
    if (created.approvalId === "" && approvalId !== "") await approve(suite, approvalId);
  }
}

/** Signs for as many custodians as it takes, with the keys that the development ceremony left on this disk. */
async function approve(suite: Suite, approvalId: string): Promise<void> {
  const approvals = suite.connect(ApprovalServiceDefinition, "hsm-gateway", "gateway");
  const { canonicalRequest, threshold } = await approvals.get({ approvalId });
  const directory = join(suite.home, "custodians");
  const keys = readdirSync(directory).filter((name) => name.endsWith("-key.pem"));
  for (const name of keys.toSorted().slice(0, threshold)) {
    const privateKey = createPrivateKey(readFileSync(join(directory, name)));
    await approvals.decide({
      approvalId,
      custodianId: name.replace(/-key\.pem$/, ""),
      decision: Decision.APPROVE,
      signature: signDecision(privateKey, canonicalRequest, "approve"),
    });
  }
}
