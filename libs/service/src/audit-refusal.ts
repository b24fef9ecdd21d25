import type { Refusal } from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";

/** A call that was turned away at the door leaves a trace, under the organisation that runs the suite. Never throws: whoever is turned away is
 *  told so whether it can be recorded or not. */
export function auditRefusal(store: Store, { method, caller, code }: Refusal, organisation: string): void {
  const who = caller ?? "unauthenticated";
  const record = { action: method, outcome: "refused", code, organisation, caller: who, requester: who } as const;
  void store.write(() => store.audit.add(record)).catch(() => {});
}
