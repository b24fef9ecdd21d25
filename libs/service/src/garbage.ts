import { Session } from "node:inspector/promises";
import { performance } from "node:perf_hooks";

const LOOK_EVERY_MS = 2_000;
/** Part of that time in which the event loop had work. */
const BUSY = 0.05;

/** Collects garbage whenever there is little to do after there was much: a start leaves some 25 MB behind and a burst of work as much, which
 *  an idle process would keep, for V8 sees no reason to look. Runs for as long as the process does. */
export function collectWhenIdle(): void {
  let before = performance.eventLoopUtilization();
  let hasWorked = true;
  setInterval(async () => {
    const { utilization } = performance.eventLoopUtilization(before);
    const isBusy = utilization > BUSY;
    if (hasWorked && !isBusy) await collectGarbage();
    hasWorked = isBusy;
    before = performance.eventLoopUtilization(); // collecting is no work
  }, LOOK_EVERY_MS).unref();
}

/** Through the inspector, because with --expose-gc Node rejects the compiled code it carries and needs 30 MB more. */
async function collectGarbage(): Promise<void> {
  const session = new Session();
  session.connect();
  await session.post("HeapProfiler.collectGarbage");
  session.disconnect();
}
