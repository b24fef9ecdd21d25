import { PkiError } from "@vcc-pki/errors";
import { pemDecode } from "@vcc-pki/x509";

/** The most a PKCS#10 request may have, as everywhere in the suite. */
const MAX_CSR_BYTES = 64 * 1024;

/** Labels that tools write for PKCS#10 (RFC 7468 section 7; the second is OpenSSL's old one). */
const PEM_LABELS = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

/** The DER of a CSR written as PEM or as base64 of DER (line breaks allowed). What the DER says is the ca's to judge.
 *  Throws CSR_MALFORMED: neither of the two, several PEM blocks, or more than 64 KiB. */
export function decodeCsr(text: string): Uint8Array {
  return checkedSize(text.includes("-----BEGIN") ? fromPem(text) : fromBase64(text));
}

/** A CSR sent as it is. Throws CSR_MALFORMED when it is empty or larger than 64 KiB. */
export function checkedSize(der: Uint8Array): Uint8Array {
  if (der.length === 0) throw new PkiError("CSR_MALFORMED", "the certification request is empty");
  if (der.length > MAX_CSR_BYTES) {
    throw new PkiError("CSR_MALFORMED", `the certification request is larger than ${MAX_CSR_BYTES} bytes`);
  }
  return der;
}

function fromPem(text: string): Uint8Array {
  const label = PEM_LABELS.find((candidate) => text.includes(`-----BEGIN ${candidate}-----`));
  const blocks = label === undefined ? [] : decodeBlocks(text, label);
  const [der] = blocks;
  if (der === undefined || blocks.length !== 1) {
    throw new PkiError("CSR_MALFORMED", "expected exactly one PEM block CERTIFICATE REQUEST");
  }
  return der;
}

function decodeBlocks(text: string, label: string): Uint8Array[] {
  try {
    return pemDecode(text, label);
  } catch (error) {
    throw new PkiError("CSR_MALFORMED", "the PEM text is malformed", { cause: error });
  }
}

/** Strict: Node's decoder skips what it does not know, which would let two texts mean one request. */
function fromBase64(text: string): Uint8Array {
  const compact = text.replace(/[\r\n]+/g, "");
  const bytes = Buffer.from(compact, "base64");
  if (bytes.toString("base64") !== compact) {
    throw new PkiError("CSR_MALFORMED", "the certification request is neither PEM nor base64");
  }
  return bytes;
}
