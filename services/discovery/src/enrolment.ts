import { EnrolmentRequests } from "./enrolment-requests.ts";
import { enrolmentService } from "./grpc/enrolment.ts";
import { Kubernetes } from "./kubernetes.ts";
import type { Part, PartContext } from "./part.ts";
import { EnrolmentRequestTable } from "./store/enrolment-requests.ts";
import { TokenTable } from "./store/tokens.ts";
import { Tokens } from "./tokens.ts";

const FORGET_INTERVAL_MS = 600_000;

/** How services come to their first certificates: by a token, by their cluster's word, by an administrator's decision. */
export function enrolment(context: PartContext): Part {
  const { store, registry, requests, enrol, clock, trustDomain, config, administrators } = context;
  const tokenTable = new TokenTable(store.db);
  const common = { store, registry, requests, enrol, clock, trustDomain };
  const tokens = new Tokens({ ...common, tokens: tokenTable });
  const enrolmentRequests = new EnrolmentRequests({ ...common, table: new EnrolmentRequestTable(store.db) });
  const kubernetes = new Kubernetes({ ...common, issuers: config.enrolment.kubernetes });
  registry.onChange((record) => {
    if (record.state === "inactive") tokenTable.revokeUnused(record, clock.now());
  });
  return {
    services: [
      enrolmentService({
        ...{ tokens, enrolmentRequests, kubernetes, registry, administrators, trustDomain, clock },
        ...{ profiles: config.profiles, lives: config.enrolment },
      }),
    ],
    chores: { enrolmentRequests: { everyMs: FORGET_INTERVAL_MS, run: () => enrolmentRequests.forget() } },
  };
}
