import { attributeValues, type Certificate, OID } from "@vcc-pki/x509";

const MEDIA_TYPE = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";

/** Whom clients of sigstore are to trust. */
export interface TrustedAuthorities {
  /** Of each authority that issues to signers its certificate, and behind each the one of its issuer, up to the root. */
  readonly signers: readonly (readonly Certificate[])[];
  /** The same for each time-stamping unit, whose own certificate stands first. */
  readonly timeStampingUnits: readonly (readonly Certificate[])[];
}

/** The trusted root (sigstore_trustroot.proto) with which strict clients verify bundles of the form "certificate". It has no transparency logs, so that those
 *  clients have to be told to ask for none. Everybody whom these authorities certified is trusted by it: whose signature it has to be is for the client's
 *  own policy to say. */
export const buildTrustedRoot = ({ signers, timeStampingUnits }: TrustedAuthorities): Buffer =>
  Buffer.from(
    JSON.stringify({
      mediaType: MEDIA_TYPE,
      tlogs: [],
      certificateAuthorities: signers.map(authority),
      ctlogs: [],
      timestampAuthorities: timeStampingUnits.map(authority),
    }),
  );

function authority(chain: readonly Certificate[]) {
  const [first] = chain;
  if (first === undefined) throw new RangeError("an authority has a certificate");
  const { subject, notBefore, notAfter } = first;
  return {
    subject: {
      organization: attributeValues(subject, OID.organizationName)[0] ?? "",
      commonName: attributeValues(subject, OID.commonName)[0] ?? "",
    },
    certChain: { certificates: chain.map(({ der }) => ({ rawBytes: Buffer.from(der).toString("base64") })) },
    validFor: { start: notBefore.toISOString(), end: notAfter.toISOString() },
  };
}
