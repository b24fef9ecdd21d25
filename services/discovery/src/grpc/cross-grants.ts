import { PkiError } from "@vcc-pki/errors";
import {
  type CrossGrant as CrossGrantMessage,
  type PolicyServiceDefinition,
  PutCrossGrantRequest,
  WithdrawCrossGrantRequest,
} from "@vcc-pki/proto/discovery";
import { type CallContext, type Handlers, type RequestKey, requestKey } from "@vcc-pki/rpc";
import type { Administrators } from "@vcc-pki/service";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import type { CrossGrants } from "../policy/cross-grants.ts";
import type { Decisions } from "../policy/decisions.ts";
import type { CrossCall, CrossGrantRecord, CrossGrantTable } from "../store/cross-grants.ts";
import type { RequestTable } from "../store/requests.ts";

export interface CrossGrantDoor {
  readonly store: Store;
  readonly requests: RequestTable;
  readonly administrators: Administrators;
  readonly decisions: Decisions;
  readonly crossGrants: CrossGrants;
  readonly crossGrantTable: CrossGrantTable;
  readonly clock: Clock;
}

type CrossGrantHandlers = Pick<
  Handlers<typeof PolicyServiceDefinition>,
  "putCrossGrant" | "withdrawCrossGrant" | "listCrossGrants"
>;

const ORGANISATION = /^[a-z][a-z0-9-]{1,38}[a-z0-9]$/;
/** As in the matrix: a name, or one with "*". */
const SERVICES = /^[a-z0-9*][a-z0-9._*-]{0,62}$/;

export function crossGrantHandlers(door: CrossGrantDoor): CrossGrantHandlers {
  const { store, requests, administrators, decisions, crossGrants, crossGrantTable, clock } = door;

  /** Once for each request id, with its audit record. */
  async function once(
    context: CallContext,
    organisation: string,
    action: string,
    key: RequestKey,
    work: () => CrossGrantRecord,
  ): Promise<CrossGrantMessage> {
    const done = await store
      .write(() => {
        const earlier = requests.find(key);
        if (earlier !== undefined) return crossGrantTable.find(earlier);
        const record = work();
        requests.insert(key, record.id, clock.now());
        store.audit.add({
          ...{ action, outcome: "done", caller: context.caller.uri, requester: context.requester.uri },
          ...{ organisation, target: record.id, requestId: key.requestId },
        });
        return record;
      })
      // Whether it was stored or not: what counts is what the database holds.
      .finally(() => decisions.forgetGrants());
    if (done === undefined) throw new Error("a grant that was answered is not there");
    return toProto(done);
  }

  return {
    async putCrossGrant(request, context) {
      const organisation = await administrators.resolveOrganisation(context, request.organisation);
      const call = parseCrossCall(request.grant);
      const key = requestKey(context, "putCrossGrant", PutCrossGrantRequest, request);
      const isolations = await crossGrants.isolationsOf(organisation, call);
      const { uri } = context.requester;
      return once(context, organisation, "cross-grant.put", key, () =>
        crossGrants.grant(organisation, call, isolations, uri),
      );
    },

    async withdrawCrossGrant(request, context) {
      const organisation = await administrators.resolveOrganisation(context, request.organisation);
      const key = requestKey(context, "withdrawCrossGrant", WithdrawCrossGrantRequest, request);
      return once(context, organisation, "cross-grant.withdraw", key, () =>
        crossGrants.withdraw(organisation, request.crossGrantId),
      );
    },

    async listCrossGrants({ organisation: named }, context) {
      const organisation = await administrators.resolveOrganisation(context, named);
      return { grants: crossGrantTable.list(organisation).map(toProto) };
    },
  };
}

function parseCrossCall(grant: CrossGrantMessage | undefined): CrossCall {
  if (grant === undefined || grant.expiresAt === undefined)
    throw new PkiError("REQUEST_MALFORMED", "which calls, and until when?");
  const { sourceOrganisation, sourceService, targetOrganisation, targetService, expiresAt } = grant;
  if (![sourceOrganisation, targetOrganisation].every((name) => ORGANISATION.test(name)))
    throw new PkiError("REQUEST_MALFORMED", "no name of an organisation");
  if (![sourceService, targetService].every((name) => SERVICES.test(name)))
    throw new PkiError("REQUEST_MALFORMED", "no name of services");
  return { sourceOrganisation, sourceService, targetOrganisation, targetService, expiresAt };
}

const toProto = ({ id, grantedBySource, grantedByTarget, ...record }: CrossGrantRecord): CrossGrantMessage => ({
  ...{ crossGrantId: id, grantedBySource: grantedBySource ?? "", grantedByTarget: grantedByTarget ?? "" },
  ...{ sourceOrganisation: record.sourceOrganisation, sourceService: record.sourceService },
  ...{ targetOrganisation: record.targetOrganisation, targetService: record.targetService },
  ...{ expiresAt: record.expiresAt, withdrawnAt: record.withdrawnAt },
});
