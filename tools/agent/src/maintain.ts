import { toPkiError } from "@vcc-pki/errors";
import { withLock } from "./lock.ts";
import { mayTry } from "./schedule.ts";
import type { State } from "./state.ts";
import { type MaintainContext, Turn, type Wish } from "./turn.ts";

const GATEWAY_AWAY: ReadonlySet<string> = new Set(["PEER_UNAVAILABLE", "CLOCK_WRONG"]);

/** Does for one identity what there is to do: 1 ends what a crash interrupted, 2 asks for the roots, which shows whether our clock is right,
 *  3 renews when it is time, 4 brings into service what is not, 5 sends reports. A failure is kept in the state and waited out, longer each time;
 *  what the service has stays as it is. Never rejects for such a failure: the state returned has it as `lastError`. */
export function maintain(context: MaintainContext, wish: Wish = {}): Promise<State> {
  return withLock(context.store.directory, async () => {
    const { store, clock, target } = context;
    const before = store.read();
    if (!wish.now && !mayTry(before, clock.now())) return before;
    const turn = new Turn(context, before);
    try {
      target.layout?.recover();
      await turn.begin();
      await turn.follow(wish);
      await turn.deploy();
      await turn.sendReports();
      return turn.succeeded(wish);
    } catch (error) {
      const failure = toPkiError(error);
      turn.readAgain();
      if (!GATEWAY_AWAY.has(failure.code)) await turn.sendReports();
      return turn.failed(failure);
    } finally {
      turn.close();
    }
  });
}
