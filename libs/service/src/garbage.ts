import { Session } from "node:inspector/promises";

/** Collects garbage once. A start leaves some 25 MB behind that an idle process would keep: V8 sees no reason to look. Through the
 *  inspector, because with --expose-gc Node rejects the compiled code it carries and needs 30 MB more. */
export async function collectGarbage(): Promise<void> {
  const session = new Session();
  session.connect();
  await session.post("HeapProfiler.collectGarbage");
  session.disconnect();
}
