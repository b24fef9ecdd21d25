import { PkiError } from "@vcc-pki/errors";
import type { Certificate } from "../certificate.ts";
import { isSignedBy, type Signed } from "../signature.ts";

/** `isSignedBy` where a signature or key that is refused proves just as little as a wrong one. */
export function isProvenBy(signed: Signed, { spkiDer }: Certificate): boolean {
  try {
    return isSignedBy(signed, spkiDer);
  } catch (error) {
    if (error instanceof PkiError) return false;
    throw error;
  }
}
