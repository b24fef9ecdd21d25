import { type Certificate, extendedKeyUsage, OID, parseCertificate } from "@vcc-pki/x509";
import { makeCa } from "@vcc-pki/x509/test-authority";
import { GEN_TIME, makeUnit } from "@vcc-pki/x509/test-time-stamping-unit";
import { type Bundle, buildOmsStatement, type RefusalCode } from "../src/index.ts";
import { ADAPTER, ADAPTER_FACTS } from "./adapter.ts";
import { named, servicesCa, signerWith } from "./relying-party.ts";
import { signBundle } from "./signed-bundle.ts";

const statement = buildOmsStatement(ADAPTER);
/** Over the adapter, as it should be. */
export const sound = signBundle();
const [signature = new Uint8Array()] = sound.envelope.signatures;
const [token = new Uint8Array()] = sound.timeStamps;
const other = signBundle(buildOmsStatement({ ...ADAPTER, facts: { ...ADAPTER_FACTS, version: "1.2.1" } }));

const flipped = (octets: Uint8Array) => octets.with(octets.length - 1, (octets.at(-1) as number) ^ 1);
export const flippedCertificate = ({ der }: Certificate) => parseCertificate(flipped(der));
const withEnvelope = (change: Partial<Bundle["envelope"]>): Bundle => ({
  ...sound,
  envelope: { ...sound.envelope, ...change },
});
const signedText = (from: string | RegExp, to: string) =>
  signBundle(Buffer.from(statement.toString().replace(from, to)));
const signedBy = (options: Parameters<typeof signerWith>[0]) => signBundle(statement, { by: signerWith(options) });
export const day = (count: number) => new Date(GEN_TIME.getTime() + count * 86_400_000);

/** What @sigstore/verify does not look at. */
const STATEMENTS = "leaves payloads to its caller";
const PURPOSES = "does not look at what a certificate is for";

type Row = readonly [what: string, bundle: Bundle, codes: readonly RefusalCode[], overlooked?: string];
const ROWS: readonly Row[] = [
  // What was signed.
  ["another payload", withEnvelope({ payload: other.envelope.payload }), ["SIGNATURE_INVALID"]],
  [
    "a flipped bit in its payload",
    withEnvelope({ payload: flipped(statement) }),
    ["SIGNATURE_INVALID", "STATEMENT_MALFORMED"],
  ],
  ["another type", withEnvelope({ payloadType: "text/plain" }), ["CONTENT_TYPE_OTHER", "SIGNATURE_INVALID"]],
  [
    "a payload of another type",
    signBundle(statement, { payloadType: "text/plain" }),
    ["CONTENT_TYPE_OTHER"],
    STATEMENTS,
  ],
  ["a fact twice", signedText('"name":"b', '"name":"x","name":"b'), ["STATEMENT_MALFORMED"], STATEMENTS],
  ["a predicate twice", signedText('"predicate":', '"predicate":{},"predicate":'), ["STATEMENT_MALFORMED"], STATEMENTS],
  ["another predicate", signedText("signature/v1.0", "signature/v0.9"), ["STATEMENT_MALFORMED"], STATEMENTS],
  ["another digest than its files", signedText(/"sha256":"./, '"sha256":"g'), ["STATEMENT_MALFORMED"], STATEMENTS],
  ["a path upwards", signedText("README.md", "../README.md"), ["STATEMENT_MALFORMED"], STATEMENTS],
  [
    "files in another order",
    signedText(/(\{[^{}]*README.md"\}),(\{[^{}]*\})/, "$2,$1"),
    ["STATEMENT_MALFORMED"],
    STATEMENTS,
  ],

  // Who signed.
  ["no signature", withEnvelope({ signatures: [] }), ["NOT_ONE_SIGNATURE"]],
  ["two signatures", withEnvelope({ signatures: [signature, signature] }), ["NOT_ONE_SIGNATURE"]],
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
  ["another authority under the same root", signedBy({ ca: servicesCa }), ["ISSUER_NOT_ALLOWED"]],
  [
    "an authority under another root",
    signedBy({ ca: makeCa("Code Signing CA") }),
    ["CERTIFICATE_NOT_TRUSTED", "ISSUER_NOT_ALLOWED"],
  ],
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
    PURPOSES,
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
  ["a time stamp by somebody else", signBundle(statement, { stampedBy: makeUnit() }), ["TIME_STAMP_NOT_TRUSTED"]],

  // What it is.
  [
    "facts for another organisation",
    signBundle(buildOmsStatement({ ...ADAPTER, facts: { ...ADAPTER_FACTS, organisation: "sachsen" } })),
    ["ORGANISATION_OTHER"],
    STATEMENTS,
  ],
  [
    "another type of artefact",
    signBundle(buildOmsStatement({ ...ADAPTER, facts: { ...ADAPTER_FACTS, type: "model_weights" } })),
    ["ARTEFACT_TYPE_NOT_ALLOWED"],
    STATEMENTS,
  ],
];
/** Bundles over the adapter that nobody should believe, what we say of them, and why @sigstore/verify accepts the strict form, where it does. */
export const BUNDLE_CORRUPTIONS = ROWS.map(([what, bundle, codes, overlooked]) => ({
  what,
  bundle,
  codes,
  overlooked,
}));
