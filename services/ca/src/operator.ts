import { event } from "@vcc-pki/events";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import type { CaConfig } from "./config.ts";
import { requireWellFormed } from "./organisations.ts";
import type { Organisation, OrganisationTable } from "./store/organisations.ts";

/** Makes the organisation that runs the suite when the database is new. Throws REQUEST_MALFORMED or NAME_MALFORMED for one that
 *  nobody could have asked for. */
export async function ensureOperator(
  store: Store,
  table: OrganisationTable,
  { organisation, name, allowedNames, allowedNetworks, adminContact }: CaConfig["operator"],
  { self, clock }: { readonly self: string; readonly clock: Clock },
): Promise<void> {
  if (table.find(organisation)) return;
  const operator: Organisation = {
    ...{ organisation, name, allowedNames, allowedNetworks, adminContact },
    isolationLevel: "strict",
    createdAt: clock.now(),
    isolationPolicy: { serviceAccessMatrix: {}, dataSharingLevel: "none", crossTenantAuth: false },
  };
  requireWellFormed(operator);
  await store.write(() => {
    table.insert(operator);
    store.audit.add({
      ...{ action: "organisation.create", outcome: "done", caller: self, requester: self },
      ...{ organisation, target: organisation, details: { operator: true } },
    });
    store.outbox.add(
      event("pki.organisation.created.v1", organisation, { organisationId: organisation, isolation: "strict" }),
    );
  });
}
