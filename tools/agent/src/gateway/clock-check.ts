import type { X509Certificate } from "node:crypto";
import { Agent } from "node:https";
import type { TLSSocket } from "node:tls";
import { PkiError } from "@vcc-pki/errors";
import type { Clock } from "@vcc-pki/time";
import { OID, parseCertificate, pemDecode, validatePath } from "@vcc-pki/x509";
import { BUNDLE_PATH, dateOf, send } from "./exchange.ts";

/** Clocks may differ by so much before anybody suffers. */
const TOLERANCE_MS = 5 * 60_000;
const MAX_CHAIN = 8;

/** Throws CLOCK_WRONG when the server's clock and ours are too far apart. Until that is put right, no certificate can be judged, nor when to renew
 *  one: asking for more would not help. */
export function requireSameTime(serverTime: Date | undefined, clock: Clock): void {
  const now = clock.now();
  if (serverTime === undefined || Math.abs(serverTime.getTime() - now.getTime()) <= TOLERANCE_MS) return;
  throw clockWrong(now, serverTime);
}

export function clockWrong(now: Date, other: Date): PkiError {
  const details = { here: now.toISOString(), there: other.toISOString() };
  return new PkiError("CLOCK_WRONG", "the clock of this machine differs from the gateway's by more than five minutes", {
    details,
  });
}

/** TLS calls a server expired, or not yet valid, when our clock is wrong as well as when it is. We look again without TLS's judgement: if the
 *  chain leads to our roots at the time that the server itself tells, the server is ours and the clock is to blame. */
export async function isClockToBlame(server: URL, bundlePem: string, clock: Clock): Promise<PkiError | undefined> {
  const agent = new Agent({ rejectUnauthorized: false, maxCachedSessions: 0 });
  try {
    const response = await send({ url: new URL(BUNDLE_PATH, server), agent });
    const date = dateOf(response);
    const believed = date !== undefined && isOurs(response.socket as TLSSocket, bundlePem, date);
    response.destroy();
    if (!believed) return undefined;
    requireSameTime(date, clock);
    return undefined;
  } catch (error) {
    return error instanceof PkiError && error.code === "CLOCK_WRONG" ? error : undefined;
  } finally {
    agent.destroy();
  }
}

function isOurs(socket: TLSSocket, bundlePem: string, at: Date): boolean {
  const [certificate, ...candidates] = chainOf(socket.getPeerX509Certificate()).map(parseCertificate);
  if (certificate === undefined) return false;
  const anchors = pemDecode(bundlePem, "CERTIFICATE").map(parseCertificate);
  return validatePath({ certificate, candidates, anchors, at, purpose: OID.serverAuth }).ok;
}

/** What the server sent, leaf first. */
function chainOf(leaf: X509Certificate | undefined): Uint8Array[] {
  const chain: Uint8Array[] = [];
  for (let next = leaf; next !== undefined && chain.length < MAX_CHAIN; next = next.issuerCertificate) {
    chain.push(new Uint8Array(next.raw));
  }
  return chain;
}
