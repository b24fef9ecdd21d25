import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "@vcc-pki/time";
import { makeAdapter, makeLargeFile, makeSmallFiles } from "../artefacts.ts";
import { modelSigning } from "../baselines/model-signing.ts";
import { opensslSha256Ms } from "../baselines/openssl-sha256.ts";
import type { Bench, Figure } from "../bench.ts";
import { cpuTimeUs, type Measurable, OUR_PROGRAMS } from "../cpu-time.ts";
import { SignedArtefacts } from "../signed-artefact.ts";
import { spreadOf } from "../statistics.ts";

/** A file is remembered when it has rested for a minute. */
const RESTED_MS = 61_000;
const SHARD_OCTETS = 64 * 1024 * 1024;

/** What a loader waits for before it may load. */
export const artefact: Bench = {
  name: "artefact",
  summary: "a signed 1 GiB adapter and 10,000 signed files verified, and again; model_signing and openssl on the same",
  async run({ runs, workDirectory, progress }) {
    const at = (name: string) => join(workDirectory, name);
    const [adapter, large, small] = [at("adapter"), at("large"), at("small")];
    progress("making 1 GiB in four files and in one, and 10,000 files");
    makeAdapter(adapter);
    makeLargeFile(large);
    makeSmallFiles(small);
    const madeAt = systemClock.monotonicMs();
    const judge = await modelSigning(workDirectory, systemClock);
    for (const path of [adapter, small]) judge.sign(path);
    const ours = new SignedArtefacts(workDirectory);
    await ours.sign(adapter, "lora_adapter");
    await ours.sign(large, "model_weights");
    await ours.signShards(large, SHARD_OCTETS);
    await ours.sign(small, "source_tree");

    const files = readdirSync(adapter).map((name) => join(adapter, name));
    const openssl = (processes: number) => () => opensslSha256Ms(files, processes, systemClock);
    const taken = {
      openssl: new Taken(OUR_PROGRAMS, openssl(1)),
      twoOpenssl: new Taken(OUR_PROGRAMS, openssl(2)),
      theirs: new Taken(OUR_PROGRAMS, () => judge.verifyMs(adapter)),
      command: new Taken(OUR_PROGRAMS, () => ours.commandMs(adapter)),
      adapter: new Taken(process.pid, () => ours.verifyMs(adapter)),
      large: new Taken(process.pid, () => ours.verifyMs(large)),
      shards: new Taken(process.pid, () => ours.verifyMs(large, { inShards: true })),
      theirSmall: new Taken(OUR_PROGRAMS, () => judge.verifyMs(small)),
      small: new Taken(process.pid, () => ours.verifyMs(small)),
    };
    for (let run = 1; run <= runs; run++) {
      progress(`run ${run} of ${runs}`);
      for (const each of Object.values(taken)) await each.take();
    }

    progress("waiting until the files have rested for a minute");
    await sleep(Math.max(0, madeAt + RESTED_MS - systemClock.monotonicMs()));
    const again = new Taken(process.pid, () => ours.verifyMs(adapter, { isRemembered: true }));
    for (let run = 0; run <= runs; run++) await again.take();
    return figuresOf({ ...taken, again });
  },
};

/** What something takes each time: milliseconds, and of processor time. */
class Taken {
  readonly ms: number[] = [];
  readonly cpuMs: number[] = [];
  readonly #of: Measurable;
  readonly #measure: () => number | Promise<number>;

  constructor(of: Measurable, measure: () => number | Promise<number>) {
    this.#of = of;
    this.#measure = measure;
  }

  async take(): Promise<void> {
    const before = cpuTimeUs(this.#of);
    this.ms.push(await this.#measure());
    this.cpuMs.push((cpuTimeUs(this.#of) - before) / 1_000);
  }
}

type Subject =
  | "openssl"
  | "twoOpenssl"
  | "theirs"
  | "command"
  | "adapter"
  | "large"
  | "shards"
  | "theirSmall"
  | "small";

function figuresOf(taken: Readonly<Record<Subject | "again", Taken>>): Figure[] {
  const { openssl, twoOpenssl, theirs, command, adapter, large, shards, theirSmall, small, again } = taken;
  const by = (name: string, values: readonly number[]) => ({ name, value: spreadOf(values).median });
  const verify = "model_signing verify";
  const limits = [
    by("openssl dgst, one process", openssl.ms),
    by("two at a time with half of the files each", twoOpenssl.ms),
  ];
  return [
    figure("1 GiB adapter in page cache, vcc-sign verify", command.ms, [by(verify, theirs.ms)]),
    figure("1 GiB adapter in page cache, in a running process", adapter.ms, [by(verify, theirs.ms), ...limits], 1_000),
    figure("its processor time", adapter.cpuMs, [by(verify, theirs.cpuMs), by("openssl dgst", openssl.cpuMs)]),
    figure("1 GiB in one file", large.ms, limits),
    figure("the same in shards of 64 MiB", shards.ms, [by("whole", large.ms)]),
    figure("10,000 files of 4 KiB, in a running process", small.ms, [by(verify, theirSmall.ms)], 1_000),
    figure("its processor time", small.cpuMs, [by(verify, theirSmall.cpuMs)]),
    // The first remembers what the others find.
    figure("1 GiB adapter again, nothing changed", again.ms.slice(1), [by(verify, theirs.ms)], 10),
  ];
}

const figure = (name: string, values: number[], baselines: Figure["baselines"], atMost?: number): Figure => ({
  ...{ name, unit: "ms", values, baselines },
  ...(atMost !== undefined && { target: { atMost } }),
});
