import { PkiError } from "@vcc-pki/errors";
import {
  type Certificate,
  type DsseEnvelope,
  parseCertificate,
  parseTimeStampResp,
  timeStampResp,
} from "@vcc-pki/x509";
import { z } from "zod";
import { IN_TOTO_PAYLOAD_TYPE, MAX_STATEMENT_OCTETS } from "../statement/in-toto.ts";
import { parseStrictJson } from "../strict-json.ts";
import { AttestationObject, buildAttestationObject } from "./attestation-object.ts";
import { base64, toBase64 } from "./base64.ts";

export const BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** A chain, as OpenSSF Model Signing has it, or the signer's certificate alone, as version 0.3 of the format wants it and strict clients insist on: those
 *  have the rest of the chain from their trusted root. Or no bundle, but the attestation object of PEP 740, which says the same as the second. */
export type BundleForm = "chain" | "certificate" | "pep740";

/** A sigstore bundle v0.3 (sigstore_bundle.proto) with an envelope. */
export interface Bundle {
  readonly form: BundleForm;
  readonly envelope: DsseEnvelope;
  /** The signer's, and in a chain behind each the one of its issuer, without the root. */
  readonly certificates: readonly Certificate[];
  /** Time-stamp tokens over the signature, in DER. */
  readonly timeStamps: readonly Uint8Array[];
}

const MAX_BUNDLE_OCTETS = 2 * MAX_STATEMENT_OCTETS;
const MAX_CERTIFICATES = 8;
const MAX_DEPTH = 8;

const certificate = z.strictObject({ rawBytes: base64 });
const material = {
  /** Entries of transparency logs; there is none in this suite that would be trusted. */
  tlogEntries: z.tuple([]).default([]),
  timestampVerificationData: z
    .strictObject({ rfc3161Timestamps: z.array(z.strictObject({ signedTimestamp: base64 })).max(4) })
    .optional(),
};

const SigstoreBundle = z.strictObject({
  mediaType: z.literal(BUNDLE_MEDIA_TYPE),
  verificationMaterial: z.union([
    z.strictObject({ certificate, ...material }),
    z.strictObject({
      x509CertificateChain: z.strictObject({ certificates: z.array(certificate).min(1).max(MAX_CERTIFICATES) }),
      ...material,
    }),
  ]),
  dsseEnvelope: z.strictObject({
    payload: base64,
    payloadType: z.string().max(256),
    /** How many there are is for the verification to say. What keyid says is not looked at. */
    signatures: z.array(z.strictObject({ sig: base64, keyid: z.string().max(512).optional() })).max(16),
  }),
});

/** The bundle as JSON. The form "certificate" leaves out what stands behind the signer's. Time stamps are responses, as sigstore's clients read them. */
export function buildBundle({ form, envelope, certificates, timeStamps }: Bundle): Buffer {
  const [signer, ...issuers] = certificates.map(({ der }) => ({ rawBytes: toBase64(der) }));
  if (signer === undefined) throw new RangeError("a bundle has the certificate of its signer");
  if (form === "pep740") return buildAttestationObject({ envelope, certificate: signer.rawBytes, timeStamps });
  return Buffer.from(
    JSON.stringify({
      mediaType: BUNDLE_MEDIA_TYPE,
      verificationMaterial: {
        ...(form === "chain"
          ? { x509CertificateChain: { certificates: [signer, ...issuers] } }
          : { certificate: signer }),
        tlogEntries: [],
        timestampVerificationData: {
          rfc3161Timestamps: timeStamps.map((token) => ({ signedTimestamp: toBase64(timeStampResp.granted(token)) })),
        },
      },
      dsseEnvelope: {
        payload: toBase64(envelope.payload),
        payloadType: envelope.payloadType,
        signatures: envelope.signatures.map((signature) => ({ sig: toBase64(signature), keyid: "" })),
      },
    }),
  );
}

/** Reads a bundle, of whichever form, whoever made it. Throws BUNDLE_MALFORMED, REQUEST_TOO_LARGE; says nothing about what it proves. */
export function parseBundle(octets: Uint8Array): Bundle {
  const limits = { maxOctets: MAX_BUNDLE_OCTETS, maxDepth: MAX_DEPTH };
  const json = parseStrictJson(octets, { ...limits, code: "BUNDLE_MALFORMED", what: "the bundle" });
  const { form, envelope, certificates, timeStamps } = isObject(json, "verification_material")
    ? readAttestationObject(shaped(AttestationObject, json))
    : readSigstoreBundle(shaped(SigstoreBundle, json));
  try {
    return {
      ...{ form, envelope, certificates: certificates.map(parseCertificate) },
      timeStamps: timeStamps.map(readToken),
    };
  } catch (cause) {
    if (!(cause instanceof PkiError)) throw cause;
    throw new PkiError("BUNDLE_MALFORMED", `the bundle has a part that cannot be read: ${cause.message}`, { cause });
  }
}

/** A bundle whose parts are yet to be parsed. */
interface Parts extends Pick<Bundle, "form" | "envelope" | "timeStamps"> {
  readonly certificates: readonly Uint8Array[];
}

function readSigstoreBundle({ verificationMaterial: by, dsseEnvelope }: z.output<typeof SigstoreBundle>): Parts {
  const chain = "certificate" in by ? [by.certificate] : by.x509CertificateChain.certificates;
  const stamps = by.timestampVerificationData?.rfc3161Timestamps ?? [];
  return {
    form: "certificate" in by ? "certificate" : "chain",
    envelope: { ...dsseEnvelope, signatures: dsseEnvelope.signatures.map(({ sig }) => sig) },
    certificates: chain.map(({ rawBytes }) => rawBytes),
    timeStamps: stamps.map(({ signedTimestamp }) => signedTimestamp),
  };
}

function readAttestationObject({ verification_material: by, envelope }: z.output<typeof AttestationObject>): Parts {
  const { statement: payload, signature } = envelope;
  return {
    form: "pep740",
    envelope: { payloadType: IN_TOTO_PAYLOAD_TYPE, payload, signatures: [signature] },
    certificates: [by.certificate],
    timeStamps: by.transparency_entries.map(({ signedTimestamp }) => signedTimestamp),
  };
}

function shaped<T extends z.ZodType>(schema: T, json: unknown): z.output<T> {
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw malformedBundle(z.prettifyError(parsed.error));
  return parsed.data;
}

const isObject = (json: unknown, key: string): boolean =>
  typeof json === "object" && json !== null && Object.hasOwn(json, key);

function readToken(responseDer: Uint8Array): Uint8Array {
  const { tokenDer } = parseTimeStampResp(responseDer);
  if (tokenDer === undefined) throw malformedBundle("has a response without a time stamp");
  return tokenDer;
}

const malformedBundle = (fault: string): PkiError => new PkiError("BUNDLE_MALFORMED", `the bundle: ${fault}`);
