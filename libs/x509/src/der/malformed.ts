import { type ErrorCode, PkiError } from "@vcc-pki/errors";

/** The error of everything in this directory. */
export const malformed = (message: string): PkiError => new PkiError("DER_MALFORMED", message);

/** Runs the parser of one format and gives its refusals that format's code: DER_MALFORMED becomes `code`, e.g.
 *  CERTIFICATE_MALFORMED, with the finding kept in the message. */
export function parsing<T>(code: ErrorCode, format: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof PkiError && error.code === "DER_MALFORMED") {
      throw new PkiError(code, `${format} is malformed: ${error.message}`, { cause: error });
    }
    throw error;
  }
}
