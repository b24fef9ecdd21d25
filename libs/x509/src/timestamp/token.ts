import { PkiError } from "@vcc-pki/errors";
import { parseSignedData, type SignedData } from "../cms/signed-data.ts";
import { malformed } from "../der/malformed.ts";
import type { HashAlgorithm } from "../hash-algorithms.ts";
import { OID } from "../oids.ts";
import { parseTstInfo, type TstInfo } from "./tst-info.ts";

/** Ours have some 2 KiB with their chain; others carry revocation information. */
const MAX_TOKEN_OCTETS = 64 * 1024;

/** A TimeStampToken ::= ContentInfo with SignedData around a TSTInfo (RFC 3161 section 2.4.2). Nothing in it is proven. */
export interface TimeStampToken {
  readonly signedData: SignedData;
  readonly tstInfoDer: Uint8Array;
  readonly tstInfo: TstInfo;
}

/** Reads a token in DER. Throws DER_MALFORMED, CERTIFICATE_MALFORMED. */
export function parseTimeStampToken(der: Uint8Array): TimeStampToken {
  const signedData = parseSignedData(der, MAX_TOKEN_OCTETS);
  const { contentType, content: tstInfoDer } = signedData;
  if (contentType !== OID.tstInfo) throw malformed("content is not id-ct-TSTInfo");
  if (tstInfoDer === undefined) throw malformed("content is missing");
  return { signedData, tstInfoDer, tstInfo: parseTstInfo(tstInfoDer) };
}

/** The hash of what a token is about; undefined when it is none of ours, and for octets that are no token. */
export function findStampedHash(der: Uint8Array): HashAlgorithm | undefined {
  try {
    return parseTimeStampToken(der).tstInfo.messageImprint.hash;
  } catch (error) {
    if (error instanceof PkiError) return undefined;
    throw error;
  }
}
