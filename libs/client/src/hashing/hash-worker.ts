import { parentPort, workerData } from "node:worker_threads";
import { PkiError } from "@vcc-pki/errors";
import type { Batch, BatchResult } from "./hash-threads.ts";
import type { ReadRange } from "./range.ts";
import { readRange } from "./read-range.ts";

// The other side of hash-threads.ts: one batch after the other.
const done = workerData as BigInt64Array;
const count = (octets: number) => void Atomics.add(done, 0, BigInt(octets));

parentPort?.on("message", async (batch: Batch) => {
  const result = await work(batch);
  const kept = result.read.flatMap(({ octets }) => (octets ? [octets.buffer as ArrayBuffer] : []));
  parentPort?.postMessage(result, kept);
});

async function work({ ranges }: Batch): Promise<BatchResult> {
  const read: ReadRange[] = [];
  try {
    for (const range of ranges) read.push(await readRange(range, count));
    return { read };
  } catch (error) {
    const { message } = error as Error;
    const { code, details } = error instanceof PkiError ? error : { code: "INTERNAL" as const, details: {} };
    return { read, failure: { code, message, details } };
  }
}
