import { extendedKeyUsage, imprintData, OID, parseSignedData, type RevokedCertificate } from "@vcc-pki/x509";
import { makeCa } from "@vcc-pki/x509/test-authority";
import { makeList } from "@vcc-pki/x509/test-chain";
import { signDetached } from "@vcc-pki/x509/test-code-signer";
import { GEN_TIME, makeUnit } from "@vcc-pki/x509/test-time-stamping-unit";
import { buildManifest, MANIFEST_MIME_TYPE, type Manifest, type RefusalCode } from "../src/index.ts";
import { ADAPTER, ADAPTER_FACTS, ADAPTER_FILES, resourcesOf } from "./adapter.ts";
import {
  named,
  policy,
  root,
  servicesCa,
  signer,
  signersCa,
  signerWith,
  signManifest,
  trust,
  trustWith,
  unit,
  type verify,
} from "./relying-party.ts";

export type Question = Parameters<typeof verify>[0];

const manifest = buildManifest(ADAPTER);
const text = manifest.toString();
export const sound = signManifest();
const mimeType = MANIFEST_MIME_TYPE;
const { cms } = sound;
export const files = (change: Record<string, string | undefined>): Question["observed"] => {
  const all = Object.entries({ ...ADAPTER_FILES, ...change }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return { shape: "directory", resources: resourcesOf(Object.fromEntries(all)) };
};

const flipped = (octets: Uint8Array, part: Uint8Array, at = part.length - 1): Uint8Array => {
  const start = Buffer.from(octets).indexOf(part);
  if (start === -1) throw new Error("nothing to flip");
  return octets.with(start + at, (octets[start + at] as number) ^ 1);
};
const signatureOf = (der: Uint8Array) => parseSignedData(der, der.length).signerInfos[0]?.signature as Uint8Array;
const withCms = (changed: Uint8Array): Question => ({ material: { format: "manifest", manifest, cms: changed } });
const withManifest = (changed: string): Question => ({
  material: { format: "manifest", manifest: Buffer.from(changed), cms },
});
/** Signed by the right signer, as it should not have been. */
const signedText = (changed: string): Question => ({ material: signManifest(Buffer.from(changed)) });
const signedBy = (options: Parameters<typeof signerWith>[0]): Question => ({
  material: signManifest(ADAPTER, signerWith(options)),
});
const signedAs = (change: Partial<Manifest>): Question => ({ material: signManifest({ ...ADAPTER, ...change }) });

export const day = (count: number) => new Date(GEN_TIME.getTime() + count * 86_400_000);
export const lists = (...revoked: RevokedCertificate[]) =>
  trustWith({
    crls: [
      makeList(root, { thisUpdate: day(-1), nextUpdate: day(30) }),
      makeList(signersCa, { thisUpdate: day(10), nextUpdate: day(30), revoked }),
      makeList(unit.ca, { thisUpdate: day(-1), nextUpdate: day(30) }),
    ],
  });
export const { serial } = signer.certificate;
export const strict = { ...policy, revocation: "required" } as const;

const revoked = { serial, revocationDate: day(-2), reason: "superseded" } as const;
const compromised = { serial, revocationDate: day(5), reason: "keyCompromise" } as const;
const foreign = { ...ADAPTER_FACTS, organisation: "sachsen" };
const token = unit.stamp({ messageImprint: imprintData("sha256", manifest) });
const stampedByStranger = signManifest(ADAPTER, signer, makeUnit());
const otherVersion = signManifest({ ...ADAPTER, facts: { ...ADAPTER_FACTS, version: "1.2.1" } });

/** What nobody should believe about the adapter's directory, each for the reasons named. */
export const MANIFEST_CORRUPTIONS: readonly (readonly [what: string, question: Question, codes: RefusalCode[]])[] = [
  // What was signed.
  ["a flipped bit in the facts", withManifest(text.replace("1.2.0", "1.2.1")), ["CONTENT_CHANGED"]],
  [
    "a flipped bit in a hash, and the file that it is of",
    {
      ...withManifest(
        buildManifest({ ...ADAPTER, resources: resourcesOf({ ...ADAPTER_FILES, "README.md": "x" }) }).toString(),
      ),
      observed: files({ "README.md": "x" }),
    },
    ["CONTENT_CHANGED"],
  ],
  ["the signature of another manifest", withCms(otherVersion.cms), ["CONTENT_CHANGED"]],
  ["no signature", withCms(new Uint8Array()), ["SIGNATURE_MALFORMED"]],
  [
    "a time stamp instead of a signature",
    withCms(token),
    [
      "CONTENT_CHANGED",
      "SIGNATURE_NOT_DETACHED",
      "SIGNING_TIME_MISSING",
      "SIGNED_AS_SOMETHING_ELSE",
      "TIME_STAMP_MISSING",
      "ORGANISATION_OTHER",
    ],
  ],
  ["a signature over its digest alone", withCms(signDetached(signer, manifest, unit)), ["SIGNED_AS_SOMETHING_ELSE"]],
  ["files in another order", signedText(text.replace(/(.* \*README.md\n)(.*\n)/, "$2$1")), ["STATEMENT_MALFORMED"]],
  ["a fact twice", signedText(text.replace('"name":"b', '"name":"x","name":"b')), ["STATEMENT_MALFORMED"]],
  ["a file twice", signedText(`${text}${text.trimEnd().split("\n").at(-1)}\n`), ["STATEMENT_MALFORMED"]],
  ["a path upwards", signedText(text.replace("README.md", "../README.md")), ["STATEMENT_MALFORMED"]],

  // Who signed.
  [
    "a flipped bit in the signature",
    withCms(flipped(cms, signatureOf(cms))),
    ["SIGNATURE_INVALID", "TIME_STAMP_OF_OTHER_SIGNATURE"],
  ],
  [
    "a flipped bit in the signer's certificate",
    withCms(flipped(cms, signer.certificate.der)),
    ["SIGNING_CERTIFICATE_OTHER", "CERTIFICATE_NOT_TRUSTED", "ISSUER_NOT_ALLOWED"],
  ],
  ["a flipped bit in the chain", withCms(flipped(cms, signersCa.certificate.der)), ["CERTIFICATE_NOT_TRUSTED"]],
  [
    "a root that is not trusted",
    { material: sound, trust: { ...trust, anchors: [makeCa("Root").certificate] } },
    ["CERTIFICATE_NOT_TRUSTED"],
  ],
  ["another authority under the same root", signedBy({ ca: servicesCa }), ["ISSUER_NOT_ALLOWED"]],
  ["a certificate that had expired", signedBy({ certificate: { notAfter: day(-1) } }), ["CERTIFICATE_NOT_VALID_THEN"]],
  [
    "a certificate that was not valid yet",
    signedBy({ certificate: { notBefore: day(1) } }),
    ["CERTIFICATE_NOT_VALID_THEN"],
  ],
  [
    "a certificate for TLS",
    signedBy({ extensions: { extendedKeyUsage: extendedKeyUsage([OID.serverAuth, OID.clientAuth]) } }),
    ["NOT_FOR_CODE_SIGNING"],
  ],
  [
    "a certificate for TLS and code",
    signedBy({ extensions: { extendedKeyUsage: extendedKeyUsage([OID.clientAuth, OID.codeSigning]) } }),
    ["NOT_FOR_CODE_SIGNING"],
  ],
  ["another signer", signedBy(named("spiffe://vcc.internal/org/brandenburg/service/argus")), ["IDENTITY_NOT_ALLOWED"]],
  [
    "another signer whose name goes on",
    signedBy(named("spiffe://vcc.internal/org/brandenburg/service/clara-signer2")),
    ["IDENTITY_NOT_ALLOWED"],
  ],
  [
    "a person",
    signedBy(named("spiffe://vcc.internal/org/brandenburg/admin/clara-signer")),
    ["IDENTITY_NOT_ALLOWED", "ORGANISATION_OTHER"],
  ],
  [
    "a service of the suite",
    signedBy(named("spiffe://vcc.internal/pki/signing")),
    ["IDENTITY_NOT_ALLOWED", "ORGANISATION_OTHER"],
  ],
  [
    "another trust domain",
    signedBy(named("spiffe://vcc.example/org/brandenburg/service/clara-signer")),
    ["IDENTITY_NOT_ALLOWED"],
  ],
  [
    "no URI",
    signedBy({ extensions: { subjectAltName: new Uint8Array() } }),
    ["IDENTITY_NOT_ALLOWED", "ORGANISATION_OTHER"],
  ],
  [
    "a signer of another organisation",
    signedBy(named("spiffe://vcc.internal/org/sachsen/service/clara-signer")),
    ["ORGANISATION_OTHER"],
  ],
  ["facts for another organisation", signedAs({ facts: foreign }), ["ORGANISATION_OTHER"]],
  ["a signer that was revoked before", { material: sound, trust: lists(revoked) }, ["CERTIFICATE_REVOKED"]],
  ["a signer whose key was compromised", { material: sound, trust: lists(compromised) }, ["CERTIFICATE_REVOKED"]],
  ["nothing known of revocation", { material: sound, policy: strict }, ["TIME_STAMP_NOT_TRUSTED"]],

  // When.
  ["a flipped bit in the time stamp", withCms(flipped(cms, cms)), ["TIME_STAMP_INVALID"]],
  [
    "the time stamp of another signature",
    withCms(signDetached(signer, manifest, unit, { mimeType, stamped: signatureOf(otherVersion.cms) })),
    ["TIME_STAMP_OF_OTHER_SIGNATURE"],
  ],
  [
    "a time stamp of the manifest",
    withCms(signDetached(signer, manifest, unit, { mimeType, stamped: manifest })),
    ["TIME_STAMP_OF_OTHER_SIGNATURE"],
  ],
  ["a time stamp of another authority", { material: stampedByStranger }, ["TIME_STAMP_NOT_TRUSTED"]],
  [
    "a time stamp under another policy",
    { material: sound, policy: { ...policy, timeStampPolicies: ["1.2.3"] } },
    ["TIME_STAMP_INVALID"],
  ],

  // What it is.
  [
    "another type",
    { material: sound, policy: { ...policy, types: ["python_package", "untyped"] } },
    ["ARTEFACT_TYPE_NOT_ALLOWED"],
  ],
  [
    "another risk class",
    { material: sound, policy: { ...policy, riskClasses: ["minimal"] } },
    ["RISK_CLASS_NOT_ALLOWED"],
  ],
  [
    "no risk class",
    { ...signedAs({ facts: { ...ADAPTER_FACTS, metadata: {} } }), policy: { ...policy, riskClasses: ["minimal"] } },
    ["RISK_CLASS_NOT_ALLOWED"],
  ],
  ["another name", { material: sound, expected: { name: "baurecht" } }, ["ARTEFACT_OTHER"]],
  ["another version", { material: sound, expected: { version: "1.3.0" } }, ["ARTEFACT_OTHER"]],
  [
    "another base model",
    { material: sound, expected: { baseModel: `sha256:${"0".repeat(64)}` } },
    ["BASE_MODEL_OTHER"],
  ],
  [
    "no base model",
    {
      ...signedAs({ facts: { ...ADAPTER_FACTS, metadata: {} } }),
      expected: { baseModel: `sha256:${"0".repeat(64)}` },
    },
    ["BASE_MODEL_OTHER"],
  ],

  // What is there.
  ["a changed file", { material: sound, observed: files({ "README.md": "x" }) }, ["RESOURCE_CHANGED"]],
  ["a missing file", { material: sound, observed: files({ "README.md": undefined }) }, ["RESOURCE_MISSING"]],
  ["a further file", { material: sound, observed: files({ "run.py": "x" }) }, ["RESOURCE_EXTRA"]],
  [
    "a renamed file",
    { material: sound, observed: files({ "README.md": undefined, README: "an adapter\n" }) },
    ["RESOURCE_RENAMED"],
  ],
  ["a copied file", { material: sound, observed: files({ README: "an adapter\n" }) }, ["RESOURCE_EXTRA"]],
  [
    "files that have changed places",
    {
      material: sound,
      observed: files({
        "README.md": ADAPTER_FILES["adapter_config.json"],
        "adapter_config.json": ADAPTER_FILES["README.md"],
      }),
    },
    ["RESOURCE_CHANGED"],
  ],
  [
    "a file in another spelling beside",
    { material: sound, observed: files({ "readme.md": "an adapter\n" }) },
    ["RESOURCE_NAMES_AMBIGUOUS", "RESOURCE_EXTRA"],
  ],
  ["no files", { material: sound, observed: { shape: "directory", resources: [] } }, ["RESOURCE_MISSING"]],
  [
    "a file where a directory was signed",
    {
      ...signedAs({ resources: resourcesOf({ a: "1" }) }),
      observed: { shape: "file", resources: resourcesOf({ a: "1" }) },
    },
    ["SHAPE_OTHER"],
  ],
  [
    "a directory where a file was signed",
    {
      ...signedAs({ shape: "file", resources: resourcesOf({ a: "1" }) }),
      observed: { shape: "directory", resources: resourcesOf({ a: "1" }) },
    },
    ["SHAPE_OTHER"],
  ],
];
