import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Bundle, MIN_SHARD_OCTETS, parseBundle } from "@vcc-pki/artefact";
import { signersCa, signerWith, unit } from "@vcc-pki/artefact/test-relying-party";
import { imprintData, type KeyAlgorithmId, pemEncode } from "@vcc-pki/x509";
import { command } from "../command.ts";
import type { SpecimenClass } from "../examine.ts";
import { installModelSigning, type ModelSigning } from "../judges/model-signing.ts";
import { findOverlookedBundle } from "../overlooked-bundles.ts";
import type { SpecimenFiles } from "../specimen-files.ts";
import { changedShards, SHARDED_FILES } from "./sharded-models.ts";
import { bundleSpecimen, changedFiles } from "./signed-bundles.ts";

const KEYS: readonly KeyAlgorithmId[] = ["ec-p256", "ec-p384", "ec-p521"];
const MODEL: Readonly<Record<string, string>> = {
  "config.json": "{}\n",
  "model.safetensors": "\b\0\0\0\0\0\0\0{}      ",
  "tokenizer/vocab.txt": "das\n",
  "tokenizer.json": "{}",
};

/** Models that `model_signing sign certificate` signs, and its library in shards; it knows no time stamps, and so its bundles get theirs from us. */
export const foreignModels = {
  name: "models by model_signing",
  /** Rejects with the reason when this cannot be done here. */
  async install(cacheDirectory: string): Promise<BuildModels> {
    const modelSigning = await installModelSigning(cacheDirectory);
    return (directory, files) => build(modelSigning, join(directory, "models"), files);
  },
};

type BuildModels = (directory: string, files: SpecimenFiles) => Promise<readonly SpecimenClass[]>;

async function build(
  modelSigning: ModelSigning,
  directory: string,
  files: SpecimenFiles,
): Promise<readonly SpecimenClass[]> {
  const signed = await Promise.all(KEYS.map((key) => signModel(modelSigning, join(directory, key), key)));
  const shards = stamp(await signShards(modelSigning, join(directory, "shards")));
  const inShards = (label: string, contents: typeof MODEL) =>
    bundleSpecimen(files, label, shards, contents, MIN_SHARD_OCTETS);
  const sound = [
    ...signed.map((bundle, i) => bundleSpecimen(files, `model by ${KEYS[i]}`, stamp(bundle), MODEL)),
    inShards("model in shards", SHARDED_FILES),
  ];

  const [bundle, other] = signed;
  if (bundle === undefined || other === undefined) throw new Error("no model was signed");
  const { envelope } = stamp(bundle);
  const cut = { ...envelope, payload: envelope.payload.subarray(0, -1) };
  const bundles: Readonly<Record<string, Bundle>> = {
    "no time stamp": bundle,
    "the time stamp of another": { ...bundle, timeStamps: stamp(other).timeStamps },
    "another payload": { ...stamp(bundle), envelope: cut },
    "the signature of another": { ...stamp(bundle), envelope: { ...envelope, signatures: other.envelope.signatures } },
  };
  const corrupted = [
    ...Object.entries(bundles).map(([what, changed]) => bundleSpecimen(files, `model, ${what}`, changed, MODEL)),
    ...Object.entries(changedFiles(MODEL)).map(([what, contents]) =>
      bundleSpecimen(files, `model, ${what}`, stamp(bundle), contents),
    ),
  ];
  const corruptedShards = Object.entries(changedShards(SHARDED_FILES)).map(([what, contents]) =>
    inShards(`model in shards, ${what}`, contents),
  );
  return [
    { name: "foreign models", sound: true, specimens: sound },
    {
      ...{ name: "corrupted foreign models", sound: false, specimens: corrupted },
      overlooked: (judge, label) => findOverlookedBundle(judge, label.slice("model, ".length)),
    },
    {
      ...{ name: "corrupted foreign models in shards", sound: false, specimens: corruptedShards },
      overlooked: (judge, label) => findOverlookedBundle(judge, label.slice("model in shards, ".length)),
    },
  ];
}

/** By its command. Throws when what it wrote cannot be read. */
async function signModel({ tool }: ModelSigning, directory: string, keyAlgorithm: KeyAlgorithmId): Promise<Bundle> {
  const { model, signature, key, certificate, chain } = await prepare(directory, MODEL, keyAlgorithm);
  const words = ["--signature", signature, "--private_key", key, "--signing_certificate", certificate];
  const { ok, said } = await command(tool, ["sign", "certificate", ...words, "--certificate_chain", chain, model], {
    timeoutMs: 60_000,
  });
  if (!ok) throw new Error(`model_signing does not sign: ${said}`);
  return parseBundle(await readFile(signature));
}

/** By its library. */
async function signShards({ startLibrary }: ModelSigning, directory: string): Promise<Bundle> {
  const { model, ...files } = await prepare(directory, SHARDED_FILES, "ec-p256");
  const library = startLibrary();
  const said = await library.ask(JSON.stringify({ ...files, directory: model, shard_octets: MIN_SHARD_OCTETS }));
  library.close();
  if (said !== "valid") throw new Error(`model_signing does not sign in shards: ${said}`);
  return parseBundle(await readFile(files.signature));
}

/** A model, a signer of its own, and where the signature goes. */
async function prepare(directory: string, contents: typeof MODEL, keyAlgorithm: KeyAlgorithmId) {
  const by = signerWith({ keyAlgorithm });
  const write = async (name: string, content: string) => {
    const file = join(directory, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    return file;
  };
  for (const [path, content] of Object.entries(contents)) await write(join("model", path), content);
  return {
    ...{ model: join(directory, "model"), signature: join(directory, "model.sig") },
    key: await write("key.pem", by.privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
    certificate: await write("signer.pem", pemEncode("CERTIFICATE", by.certificate.der)),
    chain: await write("chain.pem", pemEncode("CERTIFICATE", signersCa.certificate.der)),
  };
}

function stamp(bundle: Bundle): Bundle {
  const [signature = new Uint8Array()] = bundle.envelope.signatures;
  return { ...bundle, timeStamps: [unit.stamp({ messageImprint: imprintData("sha256", signature) })] };
}
