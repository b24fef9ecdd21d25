import { hash } from "node:crypto";
import { type Certificate, imprintData, parseSignedData } from "@vcc-pki/x509";
import { CADES_CORRUPTIONS } from "@vcc-pki/x509/cades-corruptions";
import { type CodeSigner, signDetached } from "@vcc-pki/x509/test-code-signer";
import {
  artefactDigest,
  type Bundle,
  buildAttestation,
  buildManifest,
  buildOmsStatement,
  buildPublishAttestation,
  MANIFEST_MIME_TYPE,
  type Observed,
  type SignatureMaterial,
} from "../src/index.ts";
import { ADAPTER, ADAPTER_FACTS, ADAPTER_FILES, resourcesOf } from "./adapter.ts";
import { WHEEL, WHEEL_FILES } from "./publish-corruptions.ts";
import { signer, signersCa, unit } from "./relying-party.ts";
import { materialOf, signBundle } from "./signed-bundle.ts";

/** How one format is signed, and how each part of it is spoilt. What a format does not have is undefined. */
export interface SignedFormat {
  readonly observed: Observed;
  sign(by?: CodeSigner, content?: Uint8Array): SignatureMaterial;
  flipPayload(): { readonly material: SignatureMaterial; readonly observed?: Observed };
  flipSignature(): SignatureMaterial;
  flipChain(): SignatureMaterial;
  flipToken(): SignatureMaterial;
  withTokenOfAnother(): SignatureMaterial;
  signTwice(): SignatureMaterial;
  /** Signed as something else than it is. */
  signAsAnotherType(): SignatureMaterial;
  /** With a fact or key twice in what is signed. */
  readonly twice: Uint8Array | undefined;
  /** With its files in another order. */
  readonly reordered: Uint8Array | undefined;
}

export const flipped = (octets: Uint8Array): Uint8Array =>
  octets.with(octets.length - 1, (octets.at(-1) as number) ^ 1);
/** The part that stands in the octets, with another end. */
function flippedIn(octets: Uint8Array, part: Uint8Array): Uint8Array {
  const at = Buffer.from(octets).indexOf(part) + part.length - 1;
  if (at < part.length - 1) throw new Error("nothing to flip");
  return octets.with(at, (octets[at] as number) ^ 1);
}
const edited = (content: Uint8Array, from: string | RegExp, to: string): Uint8Array => {
  const text = Buffer.from(content).toString();
  if (text.replace(from, to) === text) throw new Error("nothing to edit");
  return Buffer.from(text.replace(from, to));
};
const directory: Observed = { shape: "directory", resources: ADAPTER.resources };

type CmsFormat = Pick<SignedFormat, "observed" | "twice" | "reordered"> & {
  readonly content: Uint8Array;
  readonly mimeType: string | undefined;
  material(cms: Uint8Array, content?: Uint8Array): SignatureMaterial;
  flipPayload(): ReturnType<SignedFormat["flipPayload"]>;
};

/** Detached CMS. */
function cmsFormat({ content, mimeType, material, ...format }: CmsFormat): SignedFormat {
  const cms = signDetached(signer, content, unit, { mimeType });
  const [info] = parseSignedData(cms, cms.length).signerInfos;
  const two = CADES_CORRUPTIONS.find(({ what }) => what === "two signers");
  if (info === undefined || two === undefined) throw new Error("no signature");
  return {
    ...format,
    sign: (by = signer, signed = content) => material(signDetached(by, signed, unit, { mimeType }), signed),
    flipSignature: () => material(flippedIn(cms, info.signature)),
    flipChain: () => material(flippedIn(cms, signersCa.certificate.der)),
    flipToken: () => material(flipped(cms)),
    withTokenOfAnother: () =>
      material(signDetached(signer, content, unit, { mimeType, stamped: Buffer.from("another") })),
    signTwice: () => material(two.signature),
    signAsAnotherType: () =>
      material(
        signDetached(signer, content, unit, { mimeType: mimeType === undefined ? MANIFEST_MIME_TYPE : undefined }),
      ),
  };
}

const manifest = buildManifest(ADAPTER);
const manifestMaterial = (cms: Uint8Array, octets: Uint8Array = manifest): SignatureMaterial => ({
  ...{ format: "manifest", manifest: octets, cms },
});
const batch = Buffer.from("a log's batch");
const digestOf = (content: Uint8Array): Observed => ({
  ...{ shape: "digest", hash: "sha256", digest: hash("sha256", content, "buffer") },
});
const digestMaterial = (cms: Uint8Array): SignatureMaterial => ({ format: "cms", cms });

type BundleFormat = Pick<SignedFormat, "observed" | "twice" | "reordered"> & {
  readonly payload: Uint8Array;
  readonly form: Bundle["form"];
};

/** An envelope with an in-toto statement. */
function bundleFormat({ payload, form, ...format }: BundleFormat): SignedFormat {
  const signed = (by = signer, content = payload, payloadType?: string): Bundle => {
    const certificates = form === "chain" ? [by.certificate, by.ca.certificate] : [by.certificate];
    return signBundle(content, { by, form, certificates, ...(payloadType && { payloadType }) });
  };
  const sound = signed();
  const [signature = new Uint8Array()] = sound.envelope.signatures;
  const [token = new Uint8Array()] = sound.timeStamps;
  const envelope = (change: Partial<Bundle["envelope"]>) =>
    materialOf({ ...sound, envelope: { ...sound.envelope, ...change } });
  const json = materialOf(sound).bundle;
  /** The last certificate that comes along, as octets: some readers would not get so far as to make an object of it. */
  const last = sound.certificates.at(-1) as Certificate;
  const other = (octets: Uint8Array) => Buffer.from(octets).toString("base64");
  return {
    ...format,
    sign: (by, content) => materialOf(signed(by, content)),
    flipPayload: () => ({ material: envelope({ payload: flipped(payload) }) }),
    flipSignature: () => envelope({ signatures: [flipped(signature)] }),
    flipChain: () => ({ format: "bundle", bundle: edited(json, other(last.der), other(flipped(last.der))) }),
    flipToken: () => materialOf({ ...sound, timeStamps: [flipped(token)] }),
    withTokenOfAnother: () =>
      materialOf({
        ...sound,
        timeStamps: [unit.stamp({ messageImprint: imprintData("sha256", Buffer.from("another")) })],
      }),
    signTwice: () =>
      form === "pep740"
        ? { format: "bundle", bundle: edited(json, /"signature":("[^"]*")/, '"signature":[$1,$1]') }
        : envelope({ signatures: [signature, signature] }),
    signAsAnotherType: () => materialOf(signed(signer, payload, "text/plain")),
  };
}

const oms = buildOmsStatement(ADAPTER);
const model = {
  ...{ payload: oms, observed: directory, twice: edited(oms, '"name":"b', '"name":"x","name":"b') },
  reordered: edited(oms, /(\{[^{}]*README.md"\}),(\{[^{}]*\})/, "$2,$1"),
};
const adapterDigest = artefactDigest("directory", ADAPTER.resources);
const attested = buildAttestation({ facts: ADAPTER_FACTS, shape: "directory", digest: adapterDigest });
const published = buildPublishAttestation(resourcesOf(WHEEL_FILES));
const predicateTwice = (statement: Uint8Array) => edited(statement, '"predicate":', '"predicate":{},"predicate":');

/** Every format that the signing service writes. */
export const SIGNED_FORMATS = {
  manifest: cmsFormat({
    ...{ content: manifest, mimeType: MANIFEST_MIME_TYPE, material: manifestMaterial, observed: directory },
    flipPayload: () => ({
      material: manifestMaterial(
        signDetached(signer, manifest, unit, { mimeType: MANIFEST_MIME_TYPE }),
        flipped(manifest),
      ),
    }),
    twice: edited(manifest, '"name":"b', '"name":"x","name":"b'),
    reordered: edited(manifest, /(.* \*README.md\n)(.*\n)/, "$2$1"),
  }),
  digest: cmsFormat({
    ...{ content: batch, mimeType: undefined, material: digestMaterial, observed: digestOf(batch) },
    flipPayload: () => ({
      material: digestMaterial(signDetached(signer, batch, unit, {})),
      observed: digestOf(flipped(batch)),
    }),
    ...{ twice: undefined, reordered: undefined },
  }),
  oms: bundleFormat({ ...model, form: "chain" }),
  sigstore: bundleFormat({ ...model, form: "certificate" }),
  attestation: bundleFormat({
    ...{ payload: attested, form: "chain", observed: directory, twice: predicateTwice(attested), reordered: undefined },
  }),
  publish: bundleFormat({
    ...{ payload: published, form: "pep740", twice: predicateTwice(published), reordered: undefined },
    observed: { shape: "file", resources: resourcesOf(WHEEL_FILES) },
  }),
} as const satisfies Record<string, SignedFormat>;

export type FormatName = keyof typeof SIGNED_FORMATS;

/** The artefact as it is not what was signed. A format about one file, or a digest, knows fewer ways. */
export const CHANGED: Readonly<Record<string, Partial<Record<FormatName, Observed>>>> = {
  "a changed file": everywhere({ ...ADAPTER_FILES, "README.md": "x" }, { [WHEEL]: "x" }, flipped(batch)),
  "a missing file": everywhere(without("README.md")),
  "a further file": everywhere({ ...ADAPTER_FILES, "run.py": "x" }),
  "a renamed file": everywhere(
    { ...without("README.md"), "LIESMICH.md": ADAPTER_FILES["README.md"] ?? "" },
    { "clara_core-1.1-py3-none-any.whl": "wheel" },
  ),
};

function without(path: string): Record<string, string> {
  return Object.fromEntries(Object.entries(ADAPTER_FILES).filter(([name]) => name !== path));
}

function everywhere(
  contents: Readonly<Record<string, string>>,
  wheel?: Readonly<Record<string, string>>,
  content?: Uint8Array,
): Partial<Record<FormatName, Observed>> {
  const observed: Observed = { shape: "directory", resources: resourcesOf(contents) };
  return {
    ...{ manifest: observed, oms: observed, sigstore: observed, attestation: observed },
    ...(wheel && { publish: { shape: "file", resources: resourcesOf(wheel) } }),
    ...(content && { digest: digestOf(content) }),
  };
}
