import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { type InProcessSuite, readConfigurations, readScript, runCeremony, startInProcess } from "@vcc-pki/ceremony";
import { type Authority, AuthorityState, IsolationLevel } from "@vcc-pki/proto/ca";
import { type Home, homeAt, repositoryRoot } from "@vcc-pki/suite-tool";
import { silentLogger } from "@vcc-pki/telemetry";
import type { ShiftedClock } from "./shifted-clock.ts";

const OPERATOR = { requester: "spiffe://vcc.internal/org/vcc/admin/operator" } as const;

/** The real ca and hsm-gateway in this process, after the development ceremony, with all its authorities. */
export interface IssuingSuite extends Pick<InProcessSuite, "certificates" | "certificatesAs" | "crls" | "close"> {
  readonly clock: ShiftedClock;
  /** Options of calls made in the operator's name. */
  readonly operator: typeof OPERATOR;
  /** An authority below vcc-external-orgs-ca, whose signatures no custodian has to approve. */
  createAuthority(wanted: WantedAuthority): Promise<Authority>;
  createOrganisation(organisation: string, allowedNames: string[], authorityIds: string[]): Promise<void>;
  revokeAuthority(authorityId: string): Promise<void>;
  /** What these organisations see: their own and those they may use. */
  authoritiesOf(...organisations: string[]): Promise<Authority[]>;
}

export interface WantedAuthority {
  readonly organisation: string;
  readonly authorityId: string;
  readonly keyAlgorithm: string;
  readonly profiles: string[];
  readonly permittedDns?: string[];
}

/** Holds the development ceremony on an empty directory at the clock's time, and starts the services. */
export async function startIssuingSuite(directory: string, clock: ShiftedClock): Promise<IssuingSuite> {
  const home: Home = homeAt(directory);
  const log = silentLogger;
  await runCeremony({
    ...{ home, clock, log, say: () => {}, signal: new AbortController().signal },
    script: readScript(join(repositoryRoot, "deploy/ceremony/development.yaml")),
  });
  const suite = await startInProcess(readConfigurations(home), { home, clock, log });
  const { authorities, organisations } = suite;
  return {
    ...{ certificates: suite.certificates, crls: suite.crls, clock, operator: OPERATOR },
    certificatesAs: suite.certificatesAs,
    close: suite.close,
    async createAuthority({ organisation, authorityId, keyAlgorithm, profiles, permittedDns }) {
      const created = await authorities.create(
        {
          ...{ requestId: randomUUID(), organisation, authorityId, keyAlgorithm, profiles, validityDays: 0 },
          ...{ parentId: EXTERNAL, commonName: authorityId, mayIssueAuthorities: false, quorumThreshold: 0 },
          nameConstraints: permittedDns && { permittedDns, excludedDns: [] },
        },
        OPERATOR,
      );
      if (created.state !== AuthorityState.ACTIVE) throw new Error(`${authorityId} is ${created.state}`);
      return created;
    },
    async createOrganisation(organisation, allowedNames, authorityIds) {
      await organisations.create(
        {
          ...{ requestId: randomUUID(), organisation, name: organisation, allowedNames, authorityIds },
          ...{ isolationLevel: IsolationLevel.FEDERATED, isolationPolicy: undefined, adminContact: "" },
          allowedNetworks: ["10.20.0.0/16", "2001:db8:20::/48"],
        },
        OPERATOR,
      );
      const membership = { organisation, identity: OPERATOR.requester, expiresAt: undefined };
      await organisations.grantMembership({ requestId: randomUUID(), membership }, OPERATOR);
    },
    async revokeAuthority(authorityId) {
      const reason = "REVOCATION_REASON_CA_COMPROMISE";
      await authorities.revoke({ requestId: randomUUID(), organisation: "", authorityId, reason }, OPERATOR);
    },
    async authoritiesOf(...organisations) {
      const lists = organisations.map((organisation) => authorities.list({ organisation }, OPERATOR));
      const all = (await Promise.all(lists)).flatMap((list) => list.authorities);
      return [...new Map(all.map((authority) => [authority.authorityId, authority])).values()];
    },
  };
}

export const EXTERNAL = "vcc-external-orgs-ca";
