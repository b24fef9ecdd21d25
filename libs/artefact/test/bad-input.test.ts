import { extendedKeyUsage, OID } from "@vcc-pki/x509";
import { makeList } from "@vcc-pki/x509/test-chain";
import { GEN_TIME } from "@vcc-pki/x509/test-time-stamping-unit";
import { describe, expect, it } from "vitest";
import { type ArtefactQuestion, type RefusalCode, verifySignedArtefact } from "../src/index.ts";
import { named, policy, root, servicesCa, signer, signersCa, signerWith, trust, unit } from "./relying-party.ts";
import { CHANGED, type FormatName, SIGNED_FORMATS, type SignedFormat } from "./signed-formats.ts";

const day = (count: number) => new Date(GEN_TIME.getTime() + count * 86_400_000);
const signerRevoked = {
  crls: [
    makeList(root, { thisUpdate: day(-1), nextUpdate: day(30) }),
    makeList(signersCa, {
      ...{ thisUpdate: day(10), nextUpdate: day(30) },
      revoked: [{ serial: signer.certificate.serial, revocationDate: day(-2), reason: "superseded" }],
    }),
    makeList(unit.ca, { thisUpdate: day(-1), nextUpdate: day(30) }),
  ],
};
/** Chains are brought along by some formats and by the relying party for the others: but for the one that a test spoils. */
const bundled = { ...trust, intermediates: [signersCa.certificate, servicesCa.certificate] };
const believed = { ...policy, types: ["lora_adapter", "python_package", "untyped"] } as typeof policy;

type Asked = Partial<ArtefactQuestion> & Pick<ArtefactQuestion, "material">;
type Code = RefusalCode | Partial<Record<FormatName, RefusalCode>>;
type Row = readonly [what: string, code: Code, spoil: (format: SignedFormat, name: FormatName) => Asked | undefined];

const signedBy =
  (options: Parameters<typeof signerWith>[0]) =>
  (format: SignedFormat): Asked => ({ material: format.sign(signerWith(options)) });
const signed = (format: SignedFormat, content: Uint8Array | undefined): Asked | undefined =>
  content && { material: format.sign(signer, content) };
const changed =
  (how: string) =>
  (format: SignedFormat, name: FormatName): Asked | undefined => {
    const observed = CHANGED[how]?.[name];
    return observed && { material: format.sign(), observed };
  };

/** The table "Bad input": what is spoilt, and the code that says so, in each format that has such a thing. */
const ROWS: readonly Row[] = [
  [
    "a flipped bit in what was signed",
    {
      manifest: "CONTENT_CHANGED",
      digest: "CONTENT_CHANGED",
      oms: "SIGNATURE_INVALID",
      sigstore: "SIGNATURE_INVALID",
      attestation: "SIGNATURE_INVALID",
      publish: "SIGNATURE_INVALID",
    },
    (format) => format.flipPayload(),
  ],
  ["a flipped bit in the signature", "SIGNATURE_INVALID", (format) => ({ material: format.flipSignature() })],
  [
    "a flipped bit in the chain",
    {
      manifest: "CERTIFICATE_NOT_TRUSTED",
      digest: "CERTIFICATE_NOT_TRUSTED",
      oms: "CERTIFICATE_NOT_TRUSTED",
      sigstore: "CERTIFICATE_NOT_TRUSTED",
      attestation: "CERTIFICATE_NOT_TRUSTED",
      publish: "CERTIFICATE_NOT_TRUSTED",
    },
    (format, name) => ({
      ...{ material: format.flipChain() },
      trust: name === "sigstore" || name === "publish" ? bundled : trust,
    }),
  ],
  ["a flipped bit in the time stamp", "TIME_STAMP_INVALID", (format) => ({ material: format.flipToken() })],
  [
    "the time stamp of another signature",
    "TIME_STAMP_OF_OTHER_SIGNATURE",
    (format) => ({ material: format.withTokenOfAnother() }),
  ],
  ["files in another order", "STATEMENT_MALFORMED", (format) => signed(format, format.reordered)],
  ["a key of JSON twice", "STATEMENT_MALFORMED", (format) => signed(format, format.twice)],
  [
    "another type of content",
    {
      manifest: "SIGNED_AS_SOMETHING_ELSE",
      digest: "SIGNED_AS_SOMETHING_ELSE",
      oms: "CONTENT_TYPE_OTHER",
      sigstore: "CONTENT_TYPE_OTHER",
      attestation: "CONTENT_TYPE_OTHER",
      publish: "SIGNATURE_INVALID",
    },
    (format) => ({ material: format.signAsAnotherType() }),
  ],
  [
    "two signers",
    {
      manifest: "NOT_ONE_SIGNATURE",
      digest: "NOT_ONE_SIGNATURE",
      oms: "NOT_ONE_SIGNATURE",
      sigstore: "NOT_ONE_SIGNATURE",
      attestation: "NOT_ONE_SIGNATURE",
      publish: "SIGNATURE_MALFORMED",
    },
    (format) => ({ material: format.signTwice() }),
  ],
  ["a certificate that had expired", "CERTIFICATE_NOT_VALID_THEN", signedBy({ certificate: { notAfter: day(-1) } })],
  [
    "a certificate that was revoked before",
    "CERTIFICATE_REVOKED",
    (format) => ({ material: format.sign(), trust: { ...bundled, revocation: signerRevoked } }),
  ],
  [
    "another signer of the same chain",
    "IDENTITY_NOT_ALLOWED",
    signedBy(named("spiffe://vcc.internal/org/brandenburg/service/argus")),
  ],
  ["another authority of the same root", "ISSUER_NOT_ALLOWED", signedBy({ ca: servicesCa })],
  [
    "a certificate for TLS",
    "NOT_FOR_CODE_SIGNING",
    signedBy({ extensions: { extendedKeyUsage: extendedKeyUsage([OID.serverAuth]) } }),
  ],
  [
    "a foreign organisation",
    "ORGANISATION_OTHER",
    signedBy(named("spiffe://vcc.internal/org/sachsen/service/clara-signer")),
  ],
  [
    "a changed file",
    {
      manifest: "RESOURCE_CHANGED",
      digest: "CONTENT_CHANGED",
      oms: "RESOURCE_CHANGED",
      sigstore: "RESOURCE_CHANGED",
      attestation: "RESOURCE_CHANGED",
      publish: "RESOURCE_CHANGED",
    },
    changed("a changed file"),
  ],
  // A digest does not say which file it was.
  [
    "a missing file",
    {
      manifest: "RESOURCE_MISSING",
      oms: "RESOURCE_MISSING",
      sigstore: "RESOURCE_MISSING",
      attestation: "RESOURCE_CHANGED",
    },
    changed("a missing file"),
  ],
  [
    "a further file",
    { manifest: "RESOURCE_EXTRA", oms: "RESOURCE_EXTRA", sigstore: "RESOURCE_EXTRA", attestation: "RESOURCE_CHANGED" },
    changed("a further file"),
  ],
  [
    "a renamed file",
    {
      manifest: "RESOURCE_RENAMED",
      oms: "RESOURCE_RENAMED",
      sigstore: "RESOURCE_RENAMED",
      attestation: "RESOURCE_CHANGED",
      publish: "RESOURCE_RENAMED",
    },
    changed("a renamed file"),
  ],
];

describe.each(Object.entries(SIGNED_FORMATS) as [FormatName, SignedFormat][])(
  "a signature of the format %s",
  (name, format) => {
    const failing = (asked: Asked) =>
      verifySignedArtefact({
        ...{ observed: format.observed, trust: bundled, policy: believed },
        ...asked,
      }).verdicts.flatMap(({ code }) => (code === undefined || code === "NOT_LOOKED_AT" ? [] : [code]));

    it("is accepted as it is", () => {
      expect(failing({ material: format.sign() })).toEqual([]);
    });

    const rows = ROWS.flatMap(([what, code, spoil]) => {
      const asked = spoil(format, name);
      const expected = typeof code === "string" ? code : code[name];
      if (asked !== undefined && expected === undefined) throw new Error(`no code for ${what} of ${name}`);
      return asked && expected ? [[what, expected, asked] as const] : [];
    });

    it.each(rows)("is refused with %s: %s", (_, code, asked) => {
      expect(failing(asked)).toContain(code);
    });

    it("has no corruption that is not looked at, but for what it does not hold", () => {
      const without = ROWS.map(([what]) => what).filter((what) => !rows.some(([row]) => row === what));
      expect(without).toEqual(ABSENT[name]);
    });
  },
);

const NO_FILES = ["a missing file", "a further file"];
/** What a format cannot have wrong, since it lists no files, or holds no JSON. */
const ABSENT: Readonly<Record<FormatName, readonly string[]>> = {
  manifest: [],
  digest: ["files in another order", "a key of JSON twice", ...NO_FILES, "a renamed file"],
  oms: [],
  sigstore: [],
  attestation: ["files in another order"],
  publish: ["files in another order", ...NO_FILES],
};
