import { type DsseEnvelope, timeStampResp } from "@vcc-pki/x509";
import { z } from "zod";
import { base64, toBase64 } from "./base64.ts";

/** The attestation object of PEP 740 around an in-toto statement. PEP 740 wants an entry of a transparency log there; this suite has none, and a time stamp
 *  stands in its place, written as sigstore writes RFC 3161 time stamps. So that a client which trusts logs finds none, and refuses it. */
export const AttestationObject = z.strictObject({
  version: z.literal(1),
  verification_material: z.strictObject({
    certificate: base64,
    transparency_entries: z.array(z.strictObject({ signedTimestamp: base64 })).max(4),
  }),
  envelope: z.strictObject({ statement: base64, signature: base64 }),
});

interface Attested {
  readonly envelope: DsseEnvelope;
  /** The signer's, base64. */
  readonly certificate: string;
  readonly timeStamps: readonly Uint8Array[];
}

/** The object as JSON. */
export function buildAttestationObject({ envelope, certificate, timeStamps }: Attested): Buffer {
  const [signature, second] = envelope.signatures;
  if (signature === undefined || second !== undefined) throw new RangeError("an attestation has one signature");
  return Buffer.from(
    JSON.stringify({
      version: 1,
      verification_material: {
        certificate,
        transparency_entries: timeStamps.map((token) => ({ signedTimestamp: toBase64(timeStampResp.granted(token)) })),
      },
      envelope: { statement: toBase64(envelope.payload), signature: toBase64(signature) },
    }),
  );
}
