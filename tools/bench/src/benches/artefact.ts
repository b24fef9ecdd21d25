import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hashTree, RememberedDigests, thisHost, walkTree } from "@vcc-pki/client";
import { systemClock } from "@vcc-pki/time";
import { makeAdapter, makeSmallFiles } from "../artefacts.ts";
import { modelSigning } from "../baselines/model-signing.ts";
import type { Bench, Figure } from "../bench.ts";
import { spreadOf } from "../statistics.ts";

/** A file is remembered when it has rested for a minute. */
const RESTED_MS = 61_000;

/** What a loader waits for before it may load. */
export const artefact: Bench = {
  name: "artefact",
  summary: "a 1 GiB adapter and 10,000 small files hashed, and again; model_signing on the same",
  async run({ runs, workDirectory, progress }) {
    const [adapter, small] = ["adapter", "small"].map((name) => join(workDirectory, name)) as [string, string];
    progress("making 1 GiB and 10,000 files");
    makeAdapter(adapter);
    makeSmallFiles(small);
    const madeAt = systemClock.monotonicMs();
    const judge = await modelSigning(workDirectory, systemClock);
    judge.sign(adapter);
    judge.sign(small);

    const ours = { adapter: [] as number[], small: [] as number[] };
    const theirs = { adapter: [] as number[], small: [] as number[] };
    for (let run = 1; run <= runs; run++) {
      progress(`run ${run} of ${runs}`);
      ours.adapter.push(await hashMs(adapter));
      theirs.adapter.push(judge.verifyMs(adapter));
      ours.small.push(await hashMs(small));
      theirs.small.push(judge.verifyMs(small));
    }

    progress("waiting until the files have rested for a minute");
    await sleep(Math.max(0, madeAt + RESTED_MS - systemClock.monotonicMs()));
    const remember = join(workDirectory, "digests");
    mkdirSync(remember, { mode: 0o700 });
    await hashMs(adapter, remember);
    const repeats: number[] = [];
    for (let run = 1; run <= runs; run++) repeats.push(await hashMs(adapter, remember));
    return [
      figure("1 GiB adapter, 4 files in page cache, hashed", ours.adapter, 1_000, theirs.adapter),
      figure("10,000 files of 4 KiB, hashed", ours.small, 1_000, theirs.small),
      figure("1 GiB adapter, again, nothing changed", repeats, 10, theirs.adapter),
    ];
  },
};

async function hashMs(directory: string, remember?: string): Promise<number> {
  const startedAt = systemClock.monotonicMs();
  const tree = walkTree(directory);
  const host = remember === undefined ? undefined : thisHost();
  const remembered = host && RememberedDigests.open(tree, { directory: remember as string, host, clock: systemClock });
  await hashTree(tree, { clock: systemClock, remembered });
  remembered?.close();
  return systemClock.monotonicMs() - startedAt;
}

const figure = (name: string, values: number[], atMost: number, theirs: number[]): Figure => ({
  ...{ name, unit: "ms", values, target: { atMost } },
  baselines: [{ name: "model_signing verify, ms", value: spreadOf(theirs).median }],
});
