import { PkiError } from "@vcc-pki/errors";
import type { CallContext, SpiffeId } from "@vcc-pki/rpc";

export { Administrators } from "@vcc-pki/service";

/** A workload, as its certificate says. Throws CALLER_NOT_ALLOWED. */
export function requireWorkload({
  requester,
}: Pick<CallContext, "requester">): Extract<SpiffeId, { kind: "workload" }> {
  if (requester.kind !== "workload")
    throw new PkiError("CALLER_NOT_ALLOWED", "only a service may do this, by its own certificate");
  return requester;
}
