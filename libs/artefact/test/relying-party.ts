import { hash } from "node:crypto";
import { type RevocationEvidence, subjectAltName } from "@vcc-pki/x509";
import { makeCa, NOT_AFTER, type TestCa } from "@vcc-pki/x509/test-authority";
import { type CodeSigner, makeCodeSigner, signDetached } from "@vcc-pki/x509/test-code-signer";
import { makeUnit, TEST_POLICY } from "@vcc-pki/x509/test-time-stamping-unit";
import {
  type ArtefactQuestion,
  type ArtefactTrust,
  buildManifest,
  type Digest,
  MANIFEST_MIME_TYPE,
  type Manifest,
  parseTrustPolicy,
  type SignatureMaterial,
  verifySignedArtefact,
} from "../src/index.ts";
import { ADAPTER } from "./adapter.ts";

const lasting = { notAfter: NOT_AFTER };

export const root = makeCa("Root");
export const signersCa = makeCa("Code Signing CA", {}, root);
export const servicesCa = makeCa("Services CA", {}, root);
const timeStampRoot = makeCa("Time Stamping Root");
export const unit = makeUnit({ ca: timeStampRoot, certificate: lasting });

type CodeSignerOptions = NonNullable<Parameters<typeof makeCodeSigner>[0]>;

/** A signer under the authority that the policy names, unless the options say otherwise. */
export const signerWith = (options: CodeSignerOptions = {}): CodeSigner =>
  makeCodeSigner({ ca: signersCa, ...options, certificate: { ...lasting, ...options.certificate } });
export const named = (uri: string) => ({ extensions: { subjectAltName: subjectAltName({ uri: [uri] }) } });
export const signer: CodeSigner = signerWith();

export const issuerOf = ({ spkiDer }: Pick<TestCa, "spkiDer">): Digest => `sha256:${hash("sha256", spkiDer)}`;

export const policy = parseTrustPolicy({
  issuers: [issuerOf(signersCa)],
  identities: ["spiffe://vcc.internal/org/*/service/clara-signer"],
  organisation: "brandenburg",
  types: ["lora_adapter"],
  timeStampPolicies: [TEST_POLICY],
  revocation: "where-known",
});

export const trust: ArtefactTrust = {
  anchors: [root.certificate],
  timeStampAnchors: [timeStampRoot.certificate],
};
export const trustWith = (revocation: RevocationEvidence): ArtefactTrust => ({ ...trust, revocation });

export type ManifestMaterial = Extract<SignatureMaterial, { format: "manifest" }>;

/** A manifest with its signature. */
export const signManifest = (
  manifest: Manifest | Buffer = ADAPTER,
  by: CodeSigner = signer,
  stampedBy = unit,
): ManifestMaterial => {
  const octets = Buffer.isBuffer(manifest) ? manifest : buildManifest(manifest);
  return {
    format: "manifest",
    manifest: octets,
    cms: signDetached(by, octets, stampedBy, { mimeType: MANIFEST_MIME_TYPE }),
  };
};

/** About the adapter as it was signed, but for what is asked otherwise. */
export const verify = (question: Partial<ArtefactQuestion> & Pick<ArtefactQuestion, "material">) =>
  verifySignedArtefact({
    ...{ trust, policy },
    observed: { shape: "directory", resources: ADAPTER.resources },
    ...question,
  });

/** The codes of everything that was looked at and does not hold. */
export const refusals = (question: Parameters<typeof verify>[0]) =>
  verify(question).verdicts.flatMap(({ code }) => (code === undefined || code === "NOT_LOOKED_AT" ? [] : [code]));
