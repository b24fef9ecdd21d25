import { hash } from "node:crypto";
import { type ArtefactFacts, buildManifest, MANIFEST_MIME_TYPE } from "@vcc-pki/artefact";
import { CADES_CORRUPTIONS, CONTENT, signer, sound, unit } from "@vcc-pki/x509/cades-corruptions";
import { signDetached } from "@vcc-pki/x509/test-code-signer";
import { GEN_TIME } from "@vcc-pki/x509/test-time-stamping-unit";
import type { SpecimenClass } from "../examine.ts";
import { type Overlooked, reasonIn } from "../overlooked.ts";
import { findOverlookedSignature } from "../overlooked-signatures.ts";
import type { ArtefactSpecimen, SignatureSpecimen } from "../specimen.ts";
import type { SpecimenFiles } from "../specimen-files.ts";

/** A LoRA adapter, with names that sha256sum writes as escapes. */
export const FILES: Readonly<Record<string, string>> = {
  "adapter_config.json": '{"base_model_name_or_path":"clara-7b"}\n',
  "adapter_model.safetensors": "\b\0\0\0\0\0\0\0{}      ",
  "tokenizer/wörter.txt": "das\n",
  "back\\slash": "1",
  "line\nfeed": "2",
  "carriage\rreturn": "3",
  "#no comment": "4",
  " \u{1f600} ": "5",
};

export const FACTS: ArtefactFacts = {
  ...{ type: "lora_adapter", name: "bauordnung", version: "1.2.0", organisation: "brandenburg" },
  metadata: { baseModel: { digest: `sha256:${hash("sha256", "clara-7b")}` }, riskClass: "limited" },
};

/** What becomes of the directory or its manifest after it was signed. */
interface Change {
  readonly contents?: Readonly<Record<string, string>>;
  readonly manifest?: Uint8Array;
  readonly cms?: Uint8Array;
}

const FILES_CHANGED = ["a changed file", "a missing file", "a further file", "a renamed file"];

/** What each judge sees nothing of: all look at the manifest, the one at its signature, the other at the files that it lists. */
const OVERLOOKED: Readonly<Record<string, Overlooked>> = {
  openssl: { "does not look at files": FILES_CHANGED },
  gnutls: { "does not look at files": FILES_CHANGED },
  bouncycastle: { "does not look at files": FILES_CHANGED },
  sha256sum: {
    "looks at what is listed alone": ["a further file"],
    "does not look at who wrote the manifest": [
      "changed facts",
      "a left-out file",
      "the signature of another manifest",
    ],
  },
};

const sign = (manifest: Uint8Array) => signDetached(signer, manifest, unit, { mimeType: MANIFEST_MIME_TYPE });

/** A directory with a manifest that was signed by a signer of libs/x509's tests, and what may not be taken for it. */
export function buildCorruptedArtefacts(
  files: SpecimenFiles,
): readonly [sound: SpecimenClass, corrupted: SpecimenClass] {
  const resources = Object.entries(FILES).map(([path, text]) => ({ path, sha256Hex: hash("sha256", text) }));
  const manifest = buildManifest({ facts: FACTS, shape: "directory", resources });
  const timeStampRoot = files.object(
    "root of the crafted artefacts' time stamps",
    "certificate",
    unit.ca.certificate.der,
  );
  const root = files.object("root of the crafted artefacts", "certificate", signer.ca.certificate.der);
  const specimen = (label: string, change: Change = {}): ArtefactSpecimen =>
    files.artefact({
      ...{ label, root, issuer: root, timeStampRoot, at: GEN_TIME, algorithms: [signer.certificate.keyAlgorithm] },
      ...{ manifest, contents: FILES, cms: sign(manifest), ...change },
    });

  const { "back\\slash": moved = "", ...others } = FILES;
  const changedFacts = Buffer.from(manifest.toString().replace("1.2.0", "1.2.1"));
  const shorter = buildManifest({ facts: FACTS, shape: "directory", resources: resources.slice(1) });
  const changes: Readonly<Record<string, Change>> = {
    "a changed file": { contents: { ...FILES, "back\\slash": "2" } },
    "a missing file": { contents: others },
    "a further file": { contents: { ...FILES, "run.py": "" } },
    "a renamed file": { contents: { ...others, backslash: moved } },
    "changed facts": { manifest: changedFacts },
    "a left-out file": { manifest: shorter },
    "the signature of another manifest": { cms: sign(shorter) },
  };
  return [
    { name: "crafted artefacts", sound: true, specimens: [specimen("a sound artefact")] },
    {
      name: "corrupted artefacts",
      sound: false,
      specimens: Object.entries(changes).map(([what, change]) => specimen(what, change)),
      overlooked: (judge, what) => reasonIn(OVERLOOKED[judge], what),
    },
  ];
}

/** The crafted signatures of libs/x509's tests: a sound one, without which no refusal would mean anything, and the corrupted ones. */
export function buildCorruptedSignatures(
  files: SpecimenFiles,
): readonly [sound: SpecimenClass, corrupted: SpecimenClass] {
  const root = files.object("crafted signatures' root", "certificate", signer.ca.certificate.der);
  const timeStampRoot = files.object("crafted signatures' time stamps' root", "certificate", unit.ca.certificate.der);
  const specimen = (label: string, cms: Uint8Array): SignatureSpecimen =>
    files.signature({
      ...{ label, cms, content: CONTENT, root, timeStampRoot, at: GEN_TIME },
      algorithms: [signer.certificate.keyAlgorithm],
    });
  return [
    { name: "crafted signatures", sound: true, specimens: [specimen("a sound signature", sound)] },
    {
      name: "corrupted signatures",
      sound: false,
      specimens: CADES_CORRUPTIONS.map(({ what, signature }) => specimen(what, signature)),
      overlooked: findOverlookedSignature,
    },
  ];
}
