import { appendFileSync } from "node:fs";
import type { ArtefactType } from "@vcc-pki/artefact";
import { systemClock } from "@vcc-pki/time";
import { describe, expect, it } from "vitest";
import { checkContents, flagFiles, hashedOctets, hashTree, walkTree } from "../src/index.ts";
import { adapterConfig, loraWeights } from "./model-files.ts";
import { newScratch, type Scratch } from "./scratch.ts";

const hash = (directory: string, keep = false) => hashTree(walkTree(directory), { clock: systemClock, keep });

async function fault(type: ArtefactType, write: (file: Scratch["file"]) => void, keep = false) {
  const { directory, file } = newScratch();
  write(file);
  const files = await hash(directory, keep);
  const [fault] = checkContents(type, files, flagFiles(files)).filter(({ ok }) => !ok);
  return fault && [fault.name, /[\w.]+\.\w+/.exec(fault.reason ?? "")?.[0]];
}

const adapter = (file: Scratch["file"]) => {
  file("adapter_config.json", adapterConfig());
  file("adapter_model.safetensors", loraWeights());
};

describe("what is in an artefact", () => {
  it.each([false, true])("is as a loader of adapters needs it (kept in memory: %s)", async (keep) => {
    expect(await fault("lora_adapter", adapter, keep)).toBeUndefined();
    const cutShort = (file: Scratch["file"]) => {
      adapter(file);
      file("adapter_model.safetensors", loraWeights().subarray(0, -1));
    };
    expect(await fault("lora_adapter", cutShort, keep)).toEqual(["contents-sound", "adapter_model.safetensors"]);
  });

  it.each<ArtefactType>(["lora_adapter", "model_weights"])(
    "of the type %s holds nothing that may run",
    async (type) => {
      const withPickle = (file: Scratch["file"]) => {
        adapter(file);
        file("training_args.bin", Buffer.from([0x80, 4, 0x95]));
      };
      expect(await fault(type, withPickle)).toEqual(["contents-inert", "training_args.bin"]);
      const withCode = (file: Scratch["file"]) => {
        adapter(file);
        file("modeling_own.py", "");
      };
      expect(await fault(type, withCode)).toEqual(["contents-inert", "modeling_own.py"]);
    },
  );

  it("of model weights is whole, and needs no adapter's configuration", async () => {
    const weights = (file: Scratch["file"]) => void file("model.safetensors", loraWeights());
    expect(await fault("model_weights", weights)).toBeUndefined();
    const wrong = (file: Scratch["file"]) => void file("model.safetensors", "x");
    expect(await fault("model_weights", wrong)).toEqual(["contents-sound", "model.safetensors"]);
  });

  it("of a package may be code", async () => {
    expect(await fault("python_package", (file) => void file("a.py", ""))).toBeUndefined();
  });

  it("is not looked into when it is no longer what was hashed", async () => {
    const { directory, file } = newScratch();
    const location = file("a", "content");
    const [hashed] = await hash(directory);
    if (!hashed) throw new Error("nothing was hashed");
    expect(Buffer.from(hashedOctets(hashed).readAt(3, 7)).toString()).toBe("tent");
    appendFileSync(location, "x");
    expect(() => hashedOctets(hashed).readAt(3, 7)).toThrow(expect.objectContaining({ code: "FILE_CHANGED" }));
  });
});
