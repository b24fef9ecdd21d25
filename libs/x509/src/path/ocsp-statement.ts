import { PkiError } from "@vcc-pki/errors";
import type { Certificate } from "../certificate.ts";
import type { OcspResponse } from "../ocsp/response.ts";
import type { OcspSingleResponse } from "../ocsp/response-data.ts";
import { type ProvenStatus, verifyOcspResponse } from "../ocsp/verify-response.ts";
import { checkPublicKey, type KeyRequirements } from "../weak-keys/check-public-key.ts";
import type { RevocationStatement } from "./revocation-statement.ts";

export interface ResponderRules {
  readonly keys: KeyRequirements;
  /** Whether this responder, whose issuer does not vouch for it (id-pkix-ocsp-nocheck), is good at this time. */
  readonly isGood: (responder: Certificate, at: Date) => boolean;
}

/** What an OCSP response says about a certificate; undefined when it proves nothing, or its answer is "unknown". The response is looked at
 *  as of when it was made, since the responder's certificate is short-lived and the question may come years later. */
export function ocspStatement(
  response: OcspResponse,
  certificate: Certificate,
  issuer: Certificate,
  { keys, isGood }: ResponderRules,
): RevocationStatement | undefined {
  if (response.responseStatus !== "successful") return undefined;
  const { producedAt } = response.data;
  const proven = prove(
    () => verifyOcspResponse(response, { issuer, serial: certificate.serial, at: producedAt }),
    keys,
  );
  if (proven === undefined || proven.response.status === "unknown") return undefined;
  const { response: single, responder, isNoCheck } = proven;
  return {
    source: { kind: "ocsp", response, responder },
    thisUpdate: single.thisUpdate,
    nextUpdate: single.nextUpdate,
    revocation:
      single.status === "revoked" ? { revocationDate: single.revocationTime, reason: single.reason } : undefined,
    isComplete: hasKept(single, certificate) && (responder === issuer || isNoCheck || isGood(responder, producedAt)),
  };
}

/** undefined where the response is refused, or the responder's key would be. */
function prove(verify: () => ProvenStatus, keys: KeyRequirements): ProvenStatus | undefined {
  try {
    const proven = verify();
    checkPublicKey(proven.responder.spkiDer, keys);
    return proven;
  } catch (error) {
    if (error instanceof PkiError) return undefined;
    throw error;
  }
}

/** A responder may forget certificates that have expired; archiveCutoff says since when it has not (RFC 6960 section 4.4.4). */
function hasKept({ thisUpdate, known }: OcspSingleResponse, { notAfter }: Certificate): boolean {
  return thisUpdate <= notAfter || (known.archiveCutoff !== undefined && known.archiveCutoff <= notAfter);
}
