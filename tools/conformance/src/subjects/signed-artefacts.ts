import { hash, randomUUID } from "node:crypto";
import { Shape } from "@vcc-pki/proto/signing";
import { newSigning, type SigningHarness } from "@vcc-pki/signing/harness";
import { parseCertificate, parseSignedData } from "@vcc-pki/x509";
import type { SpecimenClass } from "../examine.ts";
import type { ArtefactSpecimen } from "../specimen.ts";
import type { SpecimenFiles } from "../specimen-files.ts";
import { FACTS, FILES } from "./corrupted-signatures.ts";
import { ShiftedClock } from "./shifted-clock.ts";

/** Of signers' keys, and by which name signers have them. */
const KEYS = { "clara-p256": "ec-p256", "clara-p384": "ec-p384", "clara-rsa": "rsa-4096" } as const;

/** A directory whose manifest the real signing service built and signed, by signers with every kind of key, over the real ca, hsm-gateway and tsa. The
 *  keys lie in a SoftHSM token. */
export async function buildSignedArtefacts(files: SpecimenFiles): Promise<SpecimenClass> {
  const signing = await newSigning({ clock: new ShiftedClock() });
  try {
    const specimens: ArtefactSpecimen[] = [];
    for (const [signer, keyAlgorithm] of Object.entries(KEYS)) {
      await signing.createSigner(signer, keyAlgorithm);
      specimens.push(await sign(signing, files, signer));
    }
    return { name: "signed artefacts", sound: true, specimens };
  } finally {
    await signing.close();
  }
}

async function sign(signing: SigningHarness, files: SpecimenFiles, signer: string): Promise<ArtefactSpecimen> {
  const { type, name, version = "", metadata } = FACTS;
  const resources = Object.entries(FILES).map(([path, text]) => ({ path, sha256: hash("sha256", text, "buffer") }));
  const { manifest, signedDataDer, genTime } = await signing.as().signatures.signManifest({
    ...{ requestId: randomUUID(), signer },
    artefact: { type, name, version, shape: Shape.DIRECTORY, metadataJson: JSON.stringify(metadata), resources },
  });
  const { rootsDer } = await signing.ca.as().authorities.getTrustBundle({});
  const { certificates } = parseSignedData(signedDataDer, signedDataDer.length);
  const issuer = certificates.find(({ isCa }) => isCa);
  if (rootsDer[0] === undefined || issuer === undefined || genTime === undefined) throw new Error("no chain");

  const label = `adapter by ${signer}`;
  const root = files.object(`${label}, root`, "certificate", parseCertificate(rootsDer[0]).der);
  return files.artefact({
    ...{ label, root, timeStampRoot: root, at: genTime, manifest, contents: FILES, cms: signedDataDer },
    issuer: files.object(`${label}, issuer`, "certificate", issuer.der),
    algorithms: certificates.map(({ keyAlgorithm }) => keyAlgorithm),
  });
}
