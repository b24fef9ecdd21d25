import { constructedContext, DerReader, TAG } from "@vcc-pki/x509";

/** What an RFC 3161 time stamp stands on in a signed Windows program. */
export interface ProgramStamp {
  /** The publisher's signature, which is what was stamped. */
  readonly signature: Uint8Array;
  readonly tokenDer: Uint8Array;
  /** Where the token is in the file, in octets. */
  readonly tokenOffset: number;
}

/** szOID_RFC3161_counterSign of Microsoft, an unsigned attribute whose value is a TimeStampToken. */
const COUNTER_SIGN = "1.3.6.1.4.1.311.3.3.1";

/** Finds the time stamp in the first signature of a PE file (Microsoft PE format, "The Attribute Certificate Table"). */
export function readProgramStamp(program: Uint8Array): ProgramStamp {
  const { offset, der } = findSignature(program);
  const { signature, tokenDer } = readSignedData(der);
  return { signature, tokenDer, tokenOffset: offset + tokenDer.byteOffset - der.byteOffset };
}

const PE32_PLUS = 0x20b;
/** WIN_CERTIFICATE: dwLength, wRevision, wCertificateType, and then the PKCS #7 message, padded to eight octets. */
const CERTIFICATE_HEADER = 8;

function findSignature(program: Uint8Array): { readonly offset: number; readonly der: Uint8Array } {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const optionalHeader = view.getUint32(0x3c, true) + 4 + 20; // behind "PE" and two zeros and the COFF header
  const directories = optionalHeader + (view.getUint16(optionalHeader, true) === PE32_PLUS ? 112 : 96);
  const entry = directories + 4 * 8; // the fifth is the certificate table
  const table = view.getUint32(entry, true);
  if (table === 0) throw new Error("the program is not signed");
  const offset = table + CERTIFICATE_HEADER;
  const padded = program.subarray(offset, table + view.getUint32(table, true));
  return { offset, der: DerReader.over(padded).element(TAG.SEQUENCE) };
}

/** ContentInfo around a SignedData of one signer (RFC 2315 sections 7 and 9), as far as the unsigned attribute. */
function readSignedData(der: Uint8Array): Pick<ProgramStamp, "signature" | "tokenDer"> {
  const contentInfo = DerReader.over(der).enter(TAG.SEQUENCE);
  contentInfo.oid();
  const signedData = contentInfo.enter(constructedContext(0)).enter(TAG.SEQUENCE);
  for (const _ of ["version", "digestAlgorithms", "contentInfo", "certificates"]) signedData.element();
  const signerInfo = signedData.enter(TAG.SET).enter(TAG.SEQUENCE);
  for (const _ of ["version", "sid", "digestAlgorithm", "authenticatedAttributes", "algorithm"]) signerInfo.element();
  const signature = signerInfo.octetString();
  const attributes = signerInfo.enter(constructedContext(1));
  while (!attributes.atEnd) {
    const attribute = attributes.enter(TAG.SEQUENCE);
    if (attribute.oid() === COUNTER_SIGN)
      return { signature, tokenDer: attribute.enter(TAG.SET).element(TAG.SEQUENCE) };
  }
  throw new Error("the program carries no time stamp");
}
