import { AsyncLocalStorage } from "node:async_hooks";

/** The incoming call being handled right now, as far as outgoing calls need to know it. */
export interface CallScope {
  remainingMs(): number;
  /** Set once the answer is sent: what a handler leaves running in the background has no deadline to inherit. */
  ended: boolean;
}

const scopes = new AsyncLocalStorage<CallScope>();

export const runInScope = <T>(scope: CallScope, work: () => T): T => scopes.run(scope, work);

/** Time left for an outgoing unary call: its own deadline, but never more than the call being handled has left. It travels
 *  through AsyncLocalStorage, so no handler can forget to pass it on. Streams outlive the call that happened to open them and
 *  do not inherit. */
export function boundedDeadline(deadlineMs: number): number {
  const scope = scopes.getStore();
  return scope === undefined || scope.ended ? deadlineMs : Math.min(deadlineMs, scope.remainingMs());
}
