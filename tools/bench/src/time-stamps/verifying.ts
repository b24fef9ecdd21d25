import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { BulkMode, type VerifyRequest } from "@vcc-pki/proto/tsa";
import { systemClock } from "@vcc-pki/time";
import { foreignAuthority } from "@vcc-pki/tsa/foreign";
import { messageImprintOf } from "@vcc-pki/x509";
import type { BenchContext, Figure } from "../bench.ts";
import { type LoadFigures, measureLoad } from "../load.ts";
import { bulkTimestamp } from "./bulk.ts";
import { newDigest, questionAbout, type TimestampService, verifyRequest } from "./questions.ts";

const OWN = 1_000;
const FOREIGN = 100;
const LOAD = { inFlight: 32, warmUpMs: 1_500, measureMs: 4_000, clock: systemClock } as const;

/** Verify over gRPC, 32 in flight: tokens of the suite, and of an authority whose root comes with each request. */
export async function measureVerifying(context: BenchContext, service: TimestampService): Promise<Figure[]> {
  const { runs, workDirectory, progress } = context;
  progress("making tokens to verify");
  const own = await ownTokens(service);
  const foreign = foreignTokens(join(workDirectory, "foreign"));
  const load = (requests: readonly VerifyRequest[]) =>
    measureLoad({
      ...LOAD,
      async operation(sequence) {
        const { ok } = await service.verify(requests[sequence % requests.length] as VerifyRequest);
        if (!ok) throw new Error("a good token was not found good");
      },
    });
  const measured: { readonly own: LoadFigures; readonly foreign: LoadFigures }[] = [];
  for (let run = 1; run <= runs; run++) {
    progress(`verifying: run ${run} of ${runs}`);
    measured.push({ own: await load(own), foreign: await load(foreign) });
  }
  const target = { atLeast: 3_000 };
  return (["own", "foreign"] as const).flatMap((kind) => [
    { name: `verify, ${kind} tokens`, unit: "/s", values: measured.map((run) => run[kind].perSecond), target },
    { name: `verify, ${kind} tokens, p99`, unit: "ms", values: measured.map((run) => run[kind].p99Ms) },
  ]);
}

async function ownTokens(service: TimestampService): Promise<VerifyRequest[]> {
  const digests = Array.from({ length: OWN }, newDigest);
  const items = await bulkTimestamp(service, BulkMode.SINGLE_TOKENS, digests);
  return items.map(({ index, outcome }) => {
    if (outcome?.$case !== "token") throw new Error("a digest was not stamped");
    return verifyRequest(outcome.value.tokenDer, digests[index] as Uint8Array);
  });
}

/** Of `openssl ts -reply`. */
function foreignTokens(directory: string): VerifyRequest[] {
  mkdirSync(directory);
  const { rootDer, reply } = foreignAuthority(directory);
  return Array.from({ length: FOREIGN }, newDigest).map((digest) =>
    verifyRequest(reply(questionAbout(messageImprintOf("sha256", digest))), digest, [rootDer]),
  );
}
