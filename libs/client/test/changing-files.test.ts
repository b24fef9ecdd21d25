import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { systemClock } from "@vcc-pki/time";
import { describe, expect, it } from "vitest";
import { KeptAnswers, type VerifyOptions, verifyArtefact } from "../src/index.ts";
import { loraWeights } from "./model-files.ts";
import { newPlace } from "./place.ts";
import { hands, newAdapter, policyFor, type SignedAdapter, trustIn } from "./signed.ts";

const options: VerifyOptions = {
  ...{ clock: systemClock, remember: false, trust: trustIn(hands) },
  policy: policyFor(hands.signer, { recall: "where-known" }),
};
const README = "an adapter\n";

/** Verifies with a copy, and does something to the files at this moment. */
async function verifyMeanwhile(adapter: SignedAdapter, moment: Partial<VerifyOptions>) {
  return verifyArtefact(adapter.model, { ...options, copyTo: adapter.at("copy"), ...moment });
}

/** When the files were found, and none has been hashed: the first time that anybody looks at the clock. */
function onceFound(change: () => void): Partial<VerifyOptions> {
  let changed = false;
  const monotonicMs = () => {
    if (!changed) change();
    changed = true;
    return systemClock.monotonicMs();
  };
  return { clock: { ...systemClock, monotonicMs } };
}

/** When all has been hashed and copied, and nothing has been judged: the signing service is asked about recalls. */
async function onceHashed(adapter: SignedAdapter, change: () => void): Promise<Partial<VerifyOptions>> {
  const place = await newPlace(() => {
    change();
    return "";
  });
  place.status = 404;
  const kept = new KeptAnswers(adapter.at("kept"), systemClock);
  return { online: { kept, graceMs: 0, recallUrl: place.origin } };
}

describe("a copy of files that change while they are verified", () => {
  it("is not made when one changes between its being found and its being hashed", async () => {
    const adapter = newAdapter();
    const change = () => appendFileSync(adapter.at("model/README.md"), "another\n");
    await expect(verifyMeanwhile(adapter, onceFound(change))).rejects.toMatchObject({ code: "FILE_CHANGED" });
    expect(readdirSync(adapter.directory)).toEqual(["model"]);
  });

  it("has the octets that were verified when one changes after that", async () => {
    const adapter = newAdapter();
    const change = () => writeFileSync(adapter.at("model/README.md"), "another\n");
    expect(await verifyMeanwhile(adapter, await onceHashed(adapter, change))).toMatchObject({ ok: true });
    expect(readFileSync(adapter.at("model/README.md"), "utf8")).toBe("another\n");
    expect(readFileSync(adapter.at("copy/README.md"), "utf8")).toBe(README);
    expect(await verifyArtefact(adapter.at("copy"), options)).toMatchObject({ ok: true });
  });

  it("is not made when what is to be looked into changes before it is", async () => {
    const adapter = newAdapter();
    const weights = adapter.at("model/adapter_model.safetensors");
    const moment = await onceHashed(adapter, () => writeFileSync(weights, loraWeights()));
    await expect(verifyMeanwhile(adapter, moment)).rejects.toMatchObject({ code: "FILE_CHANGED" });
    expect(existsSync(adapter.at("copy"))).toBe(false);
  });

  it("is right or is not there, whenever somebody writes", async () => {
    const adapter = newAdapter();
    const readme = adapter.at("model/README.md");
    const writer = spawn("sh", [
      "-c",
      `while :; do printf 'an adapter\\n' >"$1"; printf 'AN ADAPTER\\n' >"$1"; done`,
      "sh",
      readme,
    ]);
    const before = statSync(readme).mtimeMs;
    try {
      for (let time = 0; time < 30; time++) {
        const copy = adapter.at(`copy${time}`);
        const verified = await verifyArtefact(adapter.model, { ...options, copyTo: copy }).catch(({ code }) => code);
        if (existsSync(copy)) expect(readFileSync(`${copy}/README.md`, "utf8")).toBe(README);
        else expect(verified === "FILE_CHANGED" || verified.ok === false).toBe(true);
      }
      expect(statSync(readme).mtimeMs).toBeGreaterThan(before);
    } finally {
      writer.kill("SIGKILL");
      await once(writer, "exit");
    }
  });
});
