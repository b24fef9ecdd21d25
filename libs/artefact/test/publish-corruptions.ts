import { extendedKeyUsage, OID } from "@vcc-pki/x509";
import { makeCa } from "@vcc-pki/x509/test-authority";
import { makeUnit } from "@vcc-pki/x509/test-time-stamping-unit";
import { type Bundle, buildPublishAttestation, type RefusalCode } from "../src/index.ts";
import { resourcesOf } from "./adapter.ts";
import { day } from "./bundle-corruptions.ts";
import { named, servicesCa, signerWith } from "./relying-party.ts";
import { signBundle } from "./signed-bundle.ts";

export const WHEEL = "clara_core-1.0-py3-none-any.whl";
export const WHEEL_FILES = { [WHEEL]: "wheel" };
const statement = buildPublishAttestation(resourcesOf(WHEEL_FILES));

type Craft = NonNullable<Parameters<typeof signBundle>[1]>;
/** The attestation object of PEP 740, by one certificate. */
export const publish = (payload: Uint8Array = statement, craft: Craft = {}): Bundle => {
  const by = craft.by ?? signerWith({});
  return signBundle(payload, { by, certificates: [by.certificate], ...craft, form: "pep740" });
};

export const sound = publish();
const other = publish(buildPublishAttestation(resourcesOf({ [WHEEL]: "another wheel" })));
const [token = new Uint8Array()] = sound.timeStamps;
const [signature = new Uint8Array()] = sound.envelope.signatures;
const flipped = (octets: Uint8Array) => octets.with(octets.length - 1, (octets.at(-1) as number) ^ 1);
const withEnvelope = (change: Partial<Bundle["envelope"]>): Bundle => ({
  ...sound,
  envelope: { ...sound.envelope, ...change },
});
const signedText = (from: string, to: string) => publish(Buffer.from(statement.toString().replace(from, to)));
const signedBy = (options: Parameters<typeof signerWith>[0]) => publish(statement, { by: signerWith(options) });

type Row = readonly [what: string, bundle: Bundle, codes: readonly RefusalCode[]];
/** Attestations of a distribution that nobody should believe, and what we say of them. */
export const PUBLISH_CORRUPTIONS: readonly Row[] = [
  // What was signed.
  ["another statement", withEnvelope({ payload: other.envelope.payload }), ["SIGNATURE_INVALID", "RESOURCE_CHANGED"]],
  [
    "a flipped bit in its statement",
    withEnvelope({ payload: flipped(statement) }),
    ["SIGNATURE_INVALID", "STATEMENT_MALFORMED"],
  ],
  ["a predicate that says something", signedText("null", '{"by":"me"}'), ["STATEMENT_MALFORMED"]],
  ["another predicate", signedText("publish/v1", "publish/v0"), ["STATEMENT_MALFORMED"]],
  ["a predicate twice", signedText('"predicate":null', '"predicate":{},"predicate":null'), ["STATEMENT_MALFORMED"]],
  ["a name that is no distribution's", signedText(WHEEL, "clara.exe"), ["STATEMENT_MALFORMED"]],

  // Who signed.
  [
    "a flipped bit in its signature",
    withEnvelope({ signatures: [flipped(signature)] }),
    ["SIGNATURE_INVALID", "TIME_STAMP_OF_OTHER_SIGNATURE"],
  ],
  [
    "the signature of another",
    withEnvelope({ signatures: other.envelope.signatures }),
    ["SIGNATURE_INVALID", "TIME_STAMP_OF_OTHER_SIGNATURE"],
  ],
  [
    "another authority under the same root",
    signedBy({ ca: servicesCa }),
    ["CERTIFICATE_NOT_TRUSTED", "ISSUER_NOT_ALLOWED"],
  ],
  [
    "an authority under another root",
    signedBy({ ca: makeCa("Code Signing CA") }),
    ["CERTIFICATE_NOT_TRUSTED", "ISSUER_NOT_ALLOWED"],
  ],
  ["a certificate that had expired", signedBy({ certificate: { notAfter: day(-1) } }), ["CERTIFICATE_NOT_VALID_THEN"]],
  [
    "a certificate for TLS",
    signedBy({ extensions: { extendedKeyUsage: extendedKeyUsage([OID.serverAuth]) } }),
    ["NOT_FOR_CODE_SIGNING"],
  ],
  ["another signer", signedBy(named("spiffe://vcc.internal/org/brandenburg/service/argus")), ["IDENTITY_NOT_ALLOWED"]],
  [
    "a signer of another organisation",
    signedBy(named("spiffe://vcc.internal/org/sachsen/service/clara-signer")),
    ["ORGANISATION_OTHER"],
  ],

  // When.
  ["no time stamp", { ...sound, timeStamps: [] }, ["TIME_STAMP_MISSING"]],
  ["two time stamps", { ...sound, timeStamps: [token, token] }, ["TIME_STAMP_MISSING"]],
  ["a flipped bit in its time stamp", { ...sound, timeStamps: [flipped(token)] }, ["TIME_STAMP_INVALID"]],
  ["the time stamp of another", { ...sound, timeStamps: other.timeStamps }, ["TIME_STAMP_OF_OTHER_SIGNATURE"]],
  ["a time stamp by somebody else", publish(statement, { stampedBy: makeUnit() }), ["TIME_STAMP_NOT_TRUSTED"]],
];
