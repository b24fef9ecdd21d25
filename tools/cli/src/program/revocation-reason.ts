import { REVOCATION_REASONS, type RevocationReason } from "@vcc-pki/gateway/api";
import { InvalidArgumentError } from "commander";

const plain = (reason: string): string => reason.replace(/[-_]/g, "").toLowerCase();

/** The roadmap's "key_compromise", RFC 5280's "keyCompromise" and "key-compromise" are one. */
export function revocationReason(text: string): RevocationReason {
  const reason = REVOCATION_REASONS.find((candidate) => plain(candidate) === plain(text));
  if (reason === undefined) throw new InvalidArgumentError(`It must be one of ${REVOCATION_REASONS.join(", ")}.`);
  return reason;
}
