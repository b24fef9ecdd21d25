import { createHash } from "node:crypto";
import { Agent } from "node:https";
import { PkiError } from "@vcc-pki/errors";
import type { Clock } from "@vcc-pki/time";
import { pemDecode, pemEncode } from "@vcc-pki/x509";
import { requireSameTime } from "./clock-check.ts";
import { BUNDLE_PATH, exchange } from "./exchange.ts";

/** SHA-256 of a certificate's DER in lower-case hex. Takes what people copy: colons, upper case, spaces. Throws REQUEST_MALFORMED. */
export function parseFingerprint(text: string): string {
  const hex = text
    .trim()
    .replace(/^sha-?256[:=]?/i, "")
    .replace(/[:\s]/g, "")
    .toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hex)) throw new PkiError("REQUEST_MALFORMED", "a fingerprint is a SHA-256 in hex");
  return hex;
}

export const fingerprintOf = (der: Uint8Array): string => createHash("sha256").update(der).digest("hex");

/** The one root with this fingerprint, as PEM, from a gateway that nobody vouches for yet: whoever answers can only give the root that was
 *  named, and what follows is verified against that. The only unverified conversation there is; nothing of ours is sent in it. Rejects with
 *  SERVER_NOT_TRUSTED when the root is not among what it gives, and with CLOCK_WRONG when its clock and ours differ. */
export async function fetchPinnedRoot(server: string, fingerprint: string, clock: Clock): Promise<string> {
  const agent = new Agent({ rejectUnauthorized: false, minVersion: "TLSv1.3", maxCachedSessions: 0 });
  try {
    const { status, text, date } = await exchange({ url: new URL(BUNDLE_PATH, server), agent });
    if (status !== 200) throw new PkiError("PEER_UNAVAILABLE", `${server} answered ${status} when asked for its roots`);
    const root = rootsIn(text, server).find((der) => fingerprintOf(der) === fingerprint);
    if (root !== undefined) {
      requireSameTime(date, clock);
      return pemEncode("CERTIFICATE", root);
    }
    throw new PkiError("SERVER_NOT_TRUSTED", `${server} does not know the root with this fingerprint`, {
      details: { fingerprint },
    });
  } finally {
    agent.destroy();
  }
}

function rootsIn(pem: string, server: string): Uint8Array[] {
  try {
    return pemDecode(pem, "CERTIFICATE");
  } catch (cause) {
    throw new PkiError("SERVER_NOT_TRUSTED", `what ${server} gives as its roots is no PEM`, { cause });
  }
}
