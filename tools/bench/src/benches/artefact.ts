import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "@vcc-pki/time";
import { makeAdapter, makeSmallFiles } from "../artefacts.ts";
import { modelSigning } from "../baselines/model-signing.ts";
import type { Bench, Figure } from "../bench.ts";
import { SignedArtefacts } from "../signed-artefact.ts";
import { spreadOf } from "../statistics.ts";

/** A file is remembered when it has rested for a minute. */
const RESTED_MS = 61_000;

/** What a loader waits for before it may load. */
export const artefact: Bench = {
  name: "artefact",
  summary: "a signed 1 GiB adapter and 10,000 signed files verified, and again; model_signing on the same",
  async run({ runs, workDirectory, progress }) {
    const [adapter, small] = ["adapter", "small"].map((name) => join(workDirectory, name)) as [string, string];
    progress("making 1 GiB and 10,000 files");
    makeAdapter(adapter);
    makeSmallFiles(small);
    const madeAt = systemClock.monotonicMs();
    const judge = await modelSigning(workDirectory, systemClock);
    judge.sign(adapter);
    judge.sign(small);
    const ours = new SignedArtefacts(workDirectory);
    await ours.sign(adapter, "lora_adapter");
    await ours.sign(small, "source_tree");

    const theirMs = { adapter: [] as number[], small: [] as number[] };
    const ourMs = { command: [] as number[], adapter: [] as number[], small: [] as number[] };
    for (let run = 1; run <= runs; run++) {
      progress(`run ${run} of ${runs}`);
      theirMs.adapter.push(judge.verifyMs(adapter));
      ourMs.command.push(ours.commandMs(adapter));
      ourMs.adapter.push(await ours.verifyMs(adapter));
      theirMs.small.push(judge.verifyMs(small));
      ourMs.small.push(await ours.verifyMs(small));
    }

    progress("waiting until the files have rested for a minute");
    await sleep(Math.max(0, madeAt + RESTED_MS - systemClock.monotonicMs()));
    const remembered = { isRemembered: true };
    await ours.verifyMs(adapter, remembered);
    const repeats: number[] = [];
    for (let run = 1; run <= runs; run++) repeats.push(await ours.verifyMs(adapter, remembered));
    return [
      figure("1 GiB adapter in page cache, vcc-sign verify", ourMs.command, undefined, theirMs.adapter),
      figure("1 GiB adapter in page cache, in a running process", ourMs.adapter, 1_000, theirMs.adapter),
      figure("10,000 files of 4 KiB, in a running process", ourMs.small, 1_000, theirMs.small),
      figure("1 GiB adapter again, nothing changed", repeats, 10, theirMs.adapter),
    ];
  },
};

const figure = (name: string, values: number[], atMost: number | undefined, theirs: number[]): Figure => ({
  ...{ name, unit: "ms", values },
  ...(atMost !== undefined && { target: { atMost } }),
  baselines: [{ name: "model_signing verify, ms", value: spreadOf(theirs).median }],
});
