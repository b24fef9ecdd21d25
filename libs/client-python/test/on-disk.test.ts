import { renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { verifyArtefact } from "@vcc-pki/client";
import { adapterConfig, loraWeights, safetensorsOf } from "@vcc-pki/client/test-model-files";
import { hands, newAdapter, policyFor, type SignedAdapter, trustIn } from "@vcc-pki/client/test-signed";
import { PkiError } from "@vcc-pki/errors";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { GEN_TIME } from "@vcc-pki/x509/test-time-stamping-unit";
import { expect, it } from "vitest";
import { findPython, PYTHON_MS, pytest } from "./python.ts";
import { newCaseDirectory, writtenTrust } from "./written-cases.ts";

const { python, missing } = findPython("cryptography", "pytest");
const directory = newCaseDirectory();

const signed = (change: (adapter: SignedAdapter) => void) => (adapter: SignedAdapter) => {
  change(adapter);
  adapter.sign();
};
const asBundle = (change: (adapter: SignedAdapter) => void) => (adapter: SignedAdapter) => {
  change(adapter);
  adapter.signAsBundle();
};
const nothing = () => undefined;

const CASES: readonly (readonly [what: string, change: (adapter: SignedAdapter) => void])[] = [
  ["nothing wrong", nothing],
  ["nothing wrong, as a bundle", asBundle(nothing)],
  ["a changed file", ({ file }) => void file("model/README.md", "another\n")],
  ["a missing file", ({ at }) => rmSync(at("model/README.md"))],
  ["a hidden file more", ({ file }) => void file("model/.git/hooks/post-checkout", "")],
  ["a renamed file", ({ at }) => renameSync(at("model/README.md"), at("model/READ"))],
  ["a file twice for some systems", ({ file }) => void file("model/readme.md", "")],
  ["another organisation", ({ sign }) => sign({ organisation: "bayern" })],
  ["another type", ({ sign }) => sign({ type: "workflow" })],
  [
    "weights cut short, signed",
    signed(({ file }) => void file("model/adapter_model.safetensors", loraWeights().subarray(0, -1))),
  ],
  [
    "weights with a gap, signed",
    signed(({ file }) => {
      const tensors = {
        a: { dtype: "U8", shape: [4], data_offsets: [0, 4] },
        b: { dtype: "U8", shape: [4], data_offsets: [8, 12] },
      };
      file("model/more.safetensors", safetensorsOf(tensors, new Uint8Array(12)));
    }),
  ],
  [
    "weights of another length than their shape, signed",
    signed(({ file }) => {
      file(
        "model/more.safetensors",
        safetensorsOf({ a: { dtype: "F32", shape: [4], data_offsets: [0, 4] } }, new Uint8Array(4)),
      );
    }),
  ],
  ["a pickle, signed", signed(({ file }) => void file("model/weights.dat", Buffer.from([0x80, 4, 0x95])))],
  ["what is called as pickles are, signed", signed(({ file }) => void file("model/optimizer.pt", "x"))],
  ["code, as a bundle", asBundle(({ file }) => void file("model/modeling.py", "import os"))],
  [
    "an adapter that names a class, signed",
    signed(({ file }) => void file("model/adapter_config.json", adapterConfig({ auto_mapping: {} }))),
  ],
  ["no configuration, signed", signed(({ at }) => rmSync(at("model/adapter_config.json")))],
  ["no weights, signed", signed(({ at }) => rmSync(at("model/adapter_model.safetensors")))],
  ["a symbolic link", ({ at }) => symlinkSync("README.md", at("model/link"))],
  ["two signatures", ({ file }) => void file("model/model.sig", "{}")],
  ["no signature", ({ at }) => rmSync(at("model/SHA256SUMS.p7s"))],
  ["a signature without its manifest", ({ at }) => rmSync(at("model/SHA256SUMS"))],
  [
    "a bundle that is none",
    (adapter) => {
      adapter.signAsBundle();
      adapter.file("model/model.sig", "{}");
    },
  ],
];

const clock = fakeClock(GEN_TIME);
const trust = trustIn(hands);
const policy = policyFor(hands.signer);

/** What TypeScript says of the artefact, or the code of what it throws. */
async function judge(model: string) {
  try {
    const { ok, verdicts, flagged } = await verifyArtefact(model, { clock, remember: false, trust, policy });
    return {
      ok,
      verdicts: verdicts.map(({ name, ok, code, isWaived = false }) => [name, ok, code ?? null, isWaived]),
      flagged,
    };
  } catch (error) {
    if (error instanceof PkiError) return { throws: error.code };
    throw error;
  }
}

it.skipIf(python === undefined)(
  `Python says of artefacts on disk what TypeScript says${python ? "" : ` (skipped: no Python has ${missing})`}`,
  async () => {
    const cases = [];
    for (const [what, change] of CASES) {
      const adapter = newAdapter();
      change(adapter);
      cases.push({ what, path: adapter.model, ...(await judge(adapter.model)) });
    }
    writeFileSync(`${directory}/on-disk.json`, JSON.stringify({ trust: writtenTrust(trust), policy, cases }));
    expect(await pytest(python ?? "", ["tests/test_on_disk.py"], { VCC_CASES: directory })).toMatch(/^\d+ passed/);
  },
  PYTHON_MS,
);
