import { artefactDigest, buildAttestation, canonicalResources, type RefusalCode } from "../src/index.ts";
import { ADAPTER, ADAPTER_FACTS, resourcesOf } from "./adapter.ts";
import { policy, type verify } from "./relying-party.ts";
import { materialOf, signBundle } from "./signed-bundle.ts";

const facts = { ...ADAPTER_FACTS, type: "python_package" } as const;
/** A policy under which they may be what they are. */
export const allowing = { ...policy, types: ["python_package", "untyped", "lora_adapter"] } as typeof policy;
const resources = resourcesOf({ "clara-1.0-py3-none-any.whl": "wheel" });
const wheel = materialOf(signBundle(buildAttestation({ facts, shape: "file", resources })));
const adapterDigest = artefactDigest("directory", canonicalResources(ADAPTER.resources));
const adapter = materialOf(
  signBundle(buildAttestation({ facts: ADAPTER_FACTS, shape: "directory", digest: adapterDigest })),
);
const image = materialOf(signBundle(buildAttestation({ facts, shape: "digest", digest: `sha256:${"ab".repeat(32)}` })));
const observe = (shape: "file" | "directory", content: Record<string, string>) =>
  ({ shape, resources: resourcesOf(content) }) as const;
const digest = (hex: string) => ({ shape: "digest", hash: "sha256", digest: Buffer.from(hex, "hex") }) as const;

/** What attestations come to, each beside what is there. */
export const ATTESTATION_CASES: readonly (readonly [
  what: string,
  question: Parameters<typeof verify>[0],
  codes: RefusalCode[],
])[] = [
  [
    "of a distribution, of this file",
    { material: wheel, observed: observe("file", { "clara-1.0-py3-none-any.whl": "wheel" }) },
    [],
  ],
  ["of a distribution, of its digest", { material: wheel, observed: digest(resources[0]?.sha256Hex ?? "") }, []],
  [
    "of a distribution, of another file",
    { material: wheel, observed: observe("file", { "clara-1.0-py3-none-any.whl": "x" }) },
    ["RESOURCE_CHANGED"],
  ],
  [
    "of a distribution, of a file of another name",
    { material: wheel, observed: observe("file", { "clara-1.1-py3-none-any.whl": "wheel" }) },
    ["RESOURCE_RENAMED"],
  ],
  [
    "of a distribution, of a directory",
    { material: wheel, observed: observe("directory", { "clara-1.0-py3-none-any.whl": "wheel" }) },
    ["SHAPE_OTHER"],
  ],
  ["of a directory, of this", { material: adapter }, []],
  [
    "of a directory, of another",
    { material: adapter, observed: observe("directory", { a: "1" }) },
    ["RESOURCE_CHANGED"],
  ],
  [
    "of a directory, of a file",
    { material: adapter, observed: observe("file", { a: "1" }) },
    ["SHAPE_OTHER", "RESOURCE_CHANGED"],
  ],
  ["of a digest, of this", { material: image, observed: digest("ab".repeat(32)) }, []],
  ["of a digest, of another", { material: image, observed: digest("ac".repeat(32)) }, ["RESOURCE_CHANGED"]],
];
