import { randomUUIDv7 } from "node:crypto";
import { BulkMode, type BulkTimestampResponse } from "@vcc-pki/proto/tsa";
import { systemClock } from "@vcc-pki/time";
import type { BenchContext, Figure } from "../bench.ts";
import { newDigest, type TimestampService } from "./questions.ts";

const DIGESTS = 10_000;

/** 10,000 digests over gRPC, from the question to the last item: a token for each, and one token over a Merkle tree with a proof for each. */
export async function measureBulk({ runs, progress }: BenchContext, service: TimestampService): Promise<Figure[]> {
  const single: number[] = [];
  const merkle: number[] = [];
  for (let run = 0; run <= runs; run++) {
    progress(run === 0 ? "in bulk, not counted" : `in bulk: run ${run} of ${runs}`);
    const times = {
      single: await timeBulk(service, BulkMode.SINGLE_TOKENS, "token"),
      merkle: await timeBulk(service, BulkMode.MERKLE_TREE, "proof"),
    };
    if (run === 0) continue;
    single.push(times.single);
    merkle.push(times.merkle);
  }
  return [
    { name: "10,000 digests in bulk, single tokens", unit: "ms", values: single, target: { atMost: 2_500 } },
    { name: "10,000 digests in bulk, Merkle tree", unit: "ms", values: merkle, target: { atMost: 200 } },
  ];
}

/** Milliseconds. Throws unless there is such an outcome for every digest. */
async function timeBulk(service: TimestampService, mode: BulkMode, wanted: "token" | "proof"): Promise<number> {
  const digests = Array.from({ length: DIGESTS }, newDigest);
  const startedAt = systemClock.monotonicMs();
  const items = await bulkTimestamp(service, mode, digests);
  const tookMs = systemClock.monotonicMs() - startedAt;
  const got = items.filter(({ outcome }) => outcome?.$case === wanted).length;
  if (got !== DIGESTS) throw new Error(`${got} of ${DIGESTS} digests were answered with a ${wanted}`);
  return tookMs;
}

export async function bulkTimestamp(
  service: TimestampService,
  mode: BulkMode,
  digests: Uint8Array[],
): Promise<BulkTimestampResponse["items"]> {
  const items: BulkTimestampResponse["items"] = [];
  const options = { unit: "", policyOid: "", hashAlgorithm: "sha256", certReq: true };
  const answers = service.bulkTimestamp({ requestId: randomUUIDv7(), mode, digests, ...options });
  for await (const answer of answers) items.push(...answer.items);
  return items;
}
