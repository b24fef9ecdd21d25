import { type Bundle, buildBundle } from "@vcc-pki/artefact";
import { PUBLISH_CORRUPTIONS, sound, WHEEL, WHEEL_FILES } from "@vcc-pki/artefact/publish-corruptions";
import { root, signersCa, unit } from "@vcc-pki/artefact/test-relying-party";
import type { SpecimenClass } from "../examine.ts";
import { findOverlookedAttestation } from "../overlooked-attestations.ts";
import type { AttestationSpecimen } from "../specimen.ts";
import type { SpecimenFiles } from "../specimen-files.ts";

/** Distributions with their attestation objects (PEP 740) by libs/artefact, and what may not be taken for them. */
export function buildAttestations(files: SpecimenFiles): readonly [sound: SpecimenClass, corrupted: SpecimenClass] {
  const specimen = (label: string, bundle: Bundle, name = WHEEL, content = WHEEL_FILES[WHEEL]): AttestationSpecimen =>
    files.attestation({
      ...{ label, name, content, attestation: buildBundle(bundle), algorithms: ["ec-p256"] },
      issuer: files.object(`${label}, issuer`, "certificate", signersCa.certificate.der),
      root: files.object(`${label}, root`, "certificate", root.certificate.der),
      timeStampRoot: files.object(`${label}, time stamps' root`, "certificate", unit.ca.certificate.der),
    });
  const corrupted = PUBLISH_CORRUPTIONS.map(([what, bundle]) => specimen(`attestation, ${what}`, bundle));
  const changed = specimen("attestation, a changed file", sound, WHEEL, "another wheel");
  const renamed = specimen("attestation, a renamed file", sound, WHEEL.replace("1.0", "1.1"));
  return [
    { name: "attestations", sound: true, specimens: [specimen("attestation", sound)] },
    {
      ...{ name: "corrupted attestations", sound: false, specimens: [...corrupted, changed, renamed] },
      overlooked: (judge, label) => findOverlookedAttestation(judge, label.slice("attestation, ".length)),
    },
  ];
}
