import { randomUUIDv7 } from "node:crypto";
import { Authority, type AuthorityCreation, AuthorityList, type RevocationReason } from "@vcc-pki/gateway/api";
import { writeWhole } from "../files.ts";
import type { Session } from "../session.ts";
import { table } from "../table.ts";
import { drawTree } from "../tree.ts";
import { date } from "../when.ts";

const fetchAuthorities = ({ client, settings: { organisation } }: Session) =>
  client.call({ path: "/api/v1/ca/list", query: { organisation }, answer: AuthorityList });

export async function listAuthorities(session: Session): Promise<void> {
  const { authorities } = await fetchAuthorities(session);
  session.result({ authorities }, () =>
    table(
      ["id", "subject", "key", "state", "expires", "token"],
      authorities.map((authority) => [
        authority.ca_id,
        authority.subject_dn,
        authority.key_algorithm,
        authority.status,
        date(authority.expires_at),
        authority.token,
      ]),
      "no authorities",
    ),
  );
}

export async function showTree(session: Session): Promise<void> {
  const { authorities } = await fetchAuthorities(session);
  session.result({ authorities }, () => drawTree(authorities) || "no authorities");
}

export interface CreateOptions {
  readonly parent: string;
  readonly commonName: string;
  readonly keyAlgorithm?: string;
  readonly validityDays?: number;
  readonly profile?: string[];
  readonly mayIssueAuthorities?: boolean;
  readonly permitDns?: string[];
  readonly excludeDns?: string[];
  readonly quorum?: number;
  readonly requestId?: string;
}

export async function createAuthority(id: string, options: CreateOptions, session: Session): Promise<void> {
  const { client, settings } = session;
  const constrained = options.permitDns !== undefined || options.excludeDns !== undefined;
  const body: AuthorityCreation = {
    ca_id: id,
    parent_ca_id: options.parent,
    common_name: options.commonName,
    key_algorithm: options.keyAlgorithm,
    validity_days: options.validityDays,
    profiles: options.profile,
    may_issue_authorities: options.mayIssueAuthorities,
    name_constraints: constrained ? { permitted_dns: options.permitDns, excluded_dns: options.excludeDns } : undefined,
    quorum_threshold: options.quorum,
  };
  const { organisation } = settings;
  const requestId = options.requestId ?? randomUUIDv7();
  const path = "/api/v1/ca/create-issuing-ca";
  const creating = client.call({ method: "POST", path, query: { organisation }, body, requestId, answer: Authority });
  const authority = await session.during(`creating ${id} below ${options.parent}`, creating);
  session.result(authority, () => drawTree([authority]));
}

export interface RevokeOptions {
  readonly reason: RevocationReason;
  readonly requestId?: string;
  readonly yes?: boolean;
}

export async function revokeAuthority(id: string, options: RevokeOptions, session: Session): Promise<void> {
  const { client, settings } = session;
  const { organisation } = settings;
  await session.confirm(
    `Revoke the authority ${id}, and with it everything it issued (${options.reason})?`,
    options.yes,
  );
  const path = `/api/v1/ca/revoke/${encodeURIComponent(id)}`;
  const requestId = options.requestId ?? randomUUIDv7();
  const body = { reason: options.reason };
  const revoking = client.call({ method: "POST", path, query: { organisation }, body, requestId, answer: Authority });
  const revoked = await session.during(`revoking ${id}`, revoking);
  session.result(revoked, () => `${revoked.ca_id} is ${revoked.status}`);
}

export async function fetchChain(id: string, options: { out?: string; force?: boolean }, session: Session) {
  const { client, settings } = session;
  const path = `/api/v1/ca/${encodeURIComponent(id)}/chain`;
  const { organisation } = settings;
  const chain = (await client.bytes(path, "application/pem-certificate-chain", { organisation })).toString("utf8");
  if (options.out !== undefined) {
    writeWhole(options.out, chain, { force: options.force });
    session.note(`the chain is in ${options.out}`);
  }
  session.result({ ca_id: id, chain_pem: chain, file: options.out }, () => options.out ?? chain);
}
