import { setTimeout as sleep } from "node:timers/promises";
import { connect, type PeerCertificate } from "node:tls";
import { PkiError } from "@vcc-pki/errors";
import { systemClock } from "@vcc-pki/time";
import { z } from "zod";
import { Duration } from "./reload/reload.ts";

/** Where a service serves its certificate. */
export const ProofConfig = z.strictObject({
  /** "host:port" of the service, over TLS. */
  connect: z.string().regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/, "host:port"),
  /** Sent as SNI; the host unless given. */
  serverName: z.string().min(1).optional(),
  /** How long it may take after the reload. */
  within: Duration.prefault("30s"),
});
export type ProofConfig = z.output<typeof ProofConfig>;

const PAUSE_MS = 100;
const HANDSHAKE_MS = 5_000;

/** Connects until the service shows the certificate with this serial number, by handshakes of our own. Whether anybody should trust it is not
 *  asked here: it is compared with the certificate that we hold. Rejects with CERTIFICATE_NOT_SERVED, naming what was served instead. */
export async function proveServed(
  { connect: address, serverName, within }: ProofConfig,
  serialHex: string,
): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + within;
  let seen = "";
  for (;;) {
    seen = await servedAt(address, serverName).catch((error: Error) => `no handshake: ${error.message}`);
    if (seen === serialHex) return;
    if (systemClock.monotonicMs() + PAUSE_MS > deadlineMs) break;
    await sleep(PAUSE_MS);
  }
  const details = { endpoint: address, served: seen };
  throw new PkiError("CERTIFICATE_NOT_SERVED", `${address} does not serve the certificate ${serialHex}`, { details });
}

/** The serial number of the certificate at an address, in lower-case hex of even length. */
export function servedAt(address: string, serverName?: string): Promise<string> {
  const [, host = "", port] = /^(.*):(\d+)$/.exec(address) ?? [];
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({
    host: host.replace(/^\[|\]$/g, ""),
    port: Number(port),
    // An address is no name to ask for (RFC 6066 section 3).
    servername: serverName ?? (/^[\d.]+$|^\[/.test(host) ? "" : host),
    rejectUnauthorized: false,
  });
  socket.setTimeout(HANDSHAKE_MS, () => socket.destroy(new Error("the handshake takes too long")));
  socket.once("secureConnect", () => {
    resolve(serialOf(socket.getPeerCertificate()));
    socket.destroy();
  });
  socket.once("error", reject);
  socket.once("close", () => reject(new Error("the connection was closed")));
  return promise;
}

/** Node writes it in upper case and without the sign octet that DER may have. */
function serialOf({ serialNumber }: PeerCertificate): string {
  const hex = serialNumber.toLowerCase();
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}
