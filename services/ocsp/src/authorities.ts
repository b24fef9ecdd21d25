import { type AuthorityServiceDefinition, AuthorityState, type Issuer as ListedIssuer } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import type { Logger } from "@vcc-pki/telemetry";
import type { Issuers } from "./issuers.ts";
import type { IssuerFacts } from "./store/issuers.ts";

/** Asks the ca which authorities there are. Never rejects: the ones known so far remain. */
export async function refreshIssuers(
  issuers: Issuers,
  ca: Pick<Remote<typeof AuthorityServiceDefinition>, "listIssuers">,
  log: Logger,
): Promise<void> {
  try {
    const { issuers: listed } = await ca.listIssuers({});
    await issuers.replace(listed.map(toFacts));
  } catch (error) {
    log.warn("authorities not listed", { error });
  }
}

const toFacts = (listed: ListedIssuer): IssuerFacts => ({
  ...{ authorityId: listed.authorityId, organisation: listed.organisation },
  parentId: listed.parentId === "" ? undefined : listed.parentId,
  state: listed.state === AuthorityState.REVOKED ? "revoked" : "active",
  certificateDer: listed.certificateDer,
  ...{ issuesResponders: listed.issuesResponders, archives: listed.archives, crlShards: listed.crlShards },
});
