import { buildOmsStatement, MIN_SHARD_OCTETS } from "@vcc-pki/artefact";
import { ADAPTER_FACTS, ADAPTER_FILES, shardsOf } from "@vcc-pki/artefact/test-adapter";
import { signBundle } from "@vcc-pki/artefact/test-signed-bundle";
import type { SpecimenClass } from "../examine.ts";
import { findOverlookedBundle } from "../overlooked-bundles.ts";
import type { SpecimenFiles } from "../specimen-files.ts";
import { bundleSpecimen, changedFiles } from "./signed-bundles.ts";

const WEIGHTS = "adapter_model.safetensors";

/** An adapter with a file of two shards and a rest. */
export const SHARDED_FILES: Readonly<Record<string, string>> = {
  ...ADAPTER_FILES,
  [WEIGHTS]: `${"weights ".repeat(MIN_SHARD_OCTETS / 4)}rest`,
};

/** Directories whose bundles, by libs/artefact, list shards, and what may not be taken for them. */
export function buildShardedModels(files: SpecimenFiles): readonly [sound: SpecimenClass, corrupted: SpecimenClass] {
  const shards = Object.entries(SHARDED_FILES).flatMap(([path, text]) => shardsOf(path, Buffer.from(text)));
  const sharded = { shape: "directory", shardOctets: MIN_SHARD_OCTETS, shards, facts: ADAPTER_FACTS } as const;
  const bundle = signBundle(buildOmsStatement(sharded));
  const corrupted = Object.entries(changedShards(SHARDED_FILES)).map(([what, contents]) =>
    bundleSpecimen(files, `shards, ${what}`, bundle, contents, MIN_SHARD_OCTETS),
  );
  return [
    {
      ...{ name: "sharded bundles", sound: true },
      specimens: [bundleSpecimen(files, "bundle about shards", bundle, SHARDED_FILES, MIN_SHARD_OCTETS)],
    },
    {
      ...{ name: "corrupted sharded bundles", sound: false, specimens: corrupted },
      overlooked: (judge, label) => findOverlookedBundle(judge, label.slice("shards, ".length)),
    },
  ];
}

/** What becomes of the files after they were signed. */
export const changedShards = (contents: typeof SHARDED_FILES): Readonly<Record<string, typeof SHARDED_FILES>> => ({
  ...changedFiles(contents),
  "a further file": { ...contents, "run.py": "import os\n" },
  "a further empty file": { ...contents, "run.py": "" },
  "a changed last shard": { ...contents, [WEIGHTS]: (contents[WEIGHTS] ?? "").replace(/rest$/, "more") },
});
