import { type Bundle, buildBundle, buildOmsStatement } from "@vcc-pki/artefact";
import { BUNDLE_CORRUPTIONS } from "@vcc-pki/artefact/bundle-corruptions";
import { ADAPTER, ADAPTER_FILES } from "@vcc-pki/artefact/test-adapter";
import { root, signersCa, signerWith, unit } from "@vcc-pki/artefact/test-relying-party";
import { signBundle } from "@vcc-pki/artefact/test-signed-bundle";
import { type KeyAlgorithmId, parseCertificate } from "@vcc-pki/x509";
import type { SpecimenClass } from "../examine.ts";
import { findOverlookedBundle } from "../overlooked-bundles.ts";
import type { BundleSpecimen } from "../specimen.ts";
import type { SpecimenFiles } from "../specimen-files.ts";

const KEYS: readonly KeyAlgorithmId[] = ["ec-p256", "ec-p384", "ec-p521"];

type Contents = Readonly<Record<string, string>>;

/** A directory with its bundle, by the signers and under the authorities of libs/artefact's tests. */
export function bundleSpecimen(
  files: SpecimenFiles,
  label: string,
  bundle: Bundle,
  contents: Contents = ADAPTER_FILES,
  shardOctets?: number,
): BundleSpecimen {
  const [signer] = bundle.certificates;
  if (signer === undefined) throw new Error("a bundle has the certificate of its signer");
  const certificate = (what: string, der: Uint8Array) => files.object(`${label}, ${what}`, "certificate", der);
  return files.bundle({
    ...{ label, bundle: buildBundle(bundle), contents, shardOctets, signer: certificate("signer", signer.der) },
    issuer: certificate("issuer", signersCa.certificate.der),
    root: certificate("root", root.certificate.der),
    timeStampRoot: certificate("time stamps' root", unit.ca.certificate.der),
    algorithms: [parseCertificate(signer.der).keyAlgorithm],
  });
}

/** What becomes of files after they were signed. */
export function changedFiles(contents: Contents): Readonly<Record<string, Contents>> {
  const [[path, text] = ["", ""], ...others] = Object.entries(contents);
  const rest = Object.fromEntries(others);
  return {
    "a changed file": { ...rest, [path]: `${text}x` },
    "a missing file": rest,
    "a further file": { ...contents, "run.py": "" },
    "a renamed file": { ...rest, [`${path}x`]: text },
  };
}

/** Directories with bundles of OpenSSF Model Signing's form by libs/artefact, and what may not be taken for them. */
export function buildSignedBundles(files: SpecimenFiles): readonly [sound: SpecimenClass, corrupted: SpecimenClass] {
  const statement = buildOmsStatement(ADAPTER);
  const sound = KEYS.map((keyAlgorithm) => {
    const by = signerWith({ keyAlgorithm });
    return bundleSpecimen(files, `bundle by ${keyAlgorithm}`, signBundle(statement, { by }));
  });
  const changed = Object.entries(changedFiles(ADAPTER_FILES)).map(([what, contents]) =>
    bundleSpecimen(files, `bundle, ${what}`, signBundle(), contents),
  );
  const corrupted = BUNDLE_CORRUPTIONS.map(({ what, bundle }) => bundleSpecimen(files, `bundle, ${what}`, bundle));
  return [
    { name: "signed bundles", sound: true, specimens: sound },
    {
      ...{ name: "corrupted bundles", sound: false, specimens: [...corrupted, ...changed] },
      overlooked: (judge, label) => findOverlookedBundle(judge, label.slice("bundle, ".length)),
    },
  ];
}
