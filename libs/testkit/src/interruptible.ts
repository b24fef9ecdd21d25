import { PkiError } from "@vcc-pki/errors";
import type { ServiceDefinition } from "@vcc-pki/rpc";

const refusal = () => new PkiError("PEER_UNAVAILABLE", "the peer is away");

/** A peer that can go away: calls then fail as they do when nobody listens, and streams that are open break. Looked up for each call, since
 *  a test may restart it. */
export function interruptible<T extends object>(
  connect: () => T,
  definition: ServiceDefinition,
  isAway: () => boolean,
): T {
  const methods = Object.entries(definition.methods).map(([name, { responseStream }]) => [
    name,
    (...args: unknown[]) => {
      if (isAway()) return responseStream ? failing() : Promise.reject(refusal());
      const answer = (connect()[name as keyof T] as (...args: unknown[]) => unknown)(...args);
      return responseStream ? breaking(answer as AsyncIterable<unknown>, isAway) : answer;
    },
  ]);
  return Object.fromEntries(methods) as T;
}

// biome-ignore lint/correctness/useYield: it fails before the first answer
async function* failing(): AsyncGenerator<never> {
  throw refusal();
}

async function* breaking(answers: AsyncIterable<unknown>, isAway: () => boolean) {
  for await (const answer of answers) {
    if (isAway()) throw refusal();
    yield answer;
  }
}
