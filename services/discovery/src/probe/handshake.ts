import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { createSecureContext, type SecureContext, type TLSSocket, connect as tlsConnect } from "node:tls";
import type { IdentityMaterial } from "@vcc-pki/rpc";
import { ConnectionError, type ConnectionFault } from "./connection.ts";
import { isAddress, readServedCertificate, type ServedCertificate } from "./served-certificate.ts";

const MAX_CHAIN = 16;

/** What a server shows of itself in a handshake. */
export interface ServedTls {
  readonly socket: TLSSocket;
  /** "TLSv1.3" */
  readonly protocol: string;
  readonly cipher: string;
  /** The server's certificate first, then those above it that came along. Never empty. */
  readonly chain: readonly ServedCertificate[];
  /** DER of the OCSPResponse that was stapled. */
  readonly stapledDer: Uint8Array | undefined;
}

/** How probes speak TLS: 1.3 and 1.2, and whatever ciphers and keys OpenSSL can still do, so that weak servers are seen rather than missed. Nothing secret
 *  is sent over it. With an identity, it is shown to servers that ask for one. */
export const probeContext = (identity?: Pick<IdentityMaterial, "keyPem" | "chainPem">): SecureContext =>
  createSecureContext({
    ca: [],
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    ciphers: "DEFAULT:@SECLEVEL=0",
    ...(identity && { key: identity.keyPem, cert: identity.chainPem }),
  });

/** Shakes hands on a connection and asks for a stapled OCSP response (RFC 6066 section 8). Nothing is verified here. `serverName` is sent (SNI) unless it
 *  is an address. Without ALPN, for servers that refuse protocols they do not know. Throws ConnectionError; the connection is then closed. */
export async function shakeHands(
  socket: Socket,
  {
    context,
    serverName,
    signal,
  }: { readonly context: SecureContext; readonly serverName?: string | undefined; readonly signal: AbortSignal },
): Promise<ServedTls> {
  const secure = tlsConnect({
    socket,
    secureContext: context,
    rejectUnauthorized: false,
    requestOCSP: true,
    ...(serverName !== undefined && !isAddress(serverName) && { servername: serverName }),
  });
  let stapledDer: Uint8Array | undefined;
  secure.on("OCSPResponse", (response: Buffer | null) => {
    if (response !== null && response.length > 0) stapledDer = new Uint8Array(response);
  });
  try {
    await secured(secure, signal);
    const chain = readChain(secure);
    if (chain.length === 0) throw new ConnectionError("handshakeFailed");
    return {
      ...{ socket: secure, chain, stapledDer },
      protocol: secure.getProtocol() ?? "",
      cipher: secure.getCipher().name,
    };
  } catch (error) {
    secure.destroy();
    socket.destroy();
    if (error instanceof ConnectionError) throw error;
    throw new ConnectionError(signal.aborted ? "handshakeTimeout" : faultOf(error as NodeJS.ErrnoException), error);
  }
}

function secured(secure: TLSSocket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    secure.once("secureConnect", () => {
      signal.removeEventListener("abort", abort);
      resolve();
    });
    // Stays on: an error after the handshake has nobody else to hear it.
    secure.on("error", reject);
    secure.on("close", () => reject(Object.assign(new Error("closed"), { code: "ECONNRESET" })));
  });
}

function readChain(secure: TLSSocket): ServedCertificate[] {
  const chain: ServedCertificate[] = [];
  let next: X509Certificate | undefined = secure.getPeerX509Certificate();
  for (let sent = 0; next !== undefined && sent < MAX_CHAIN; sent++) {
    const read = readServedCertificate(next);
    // Servers are set up with their certificate in the chain's file, too.
    if (!chain.some(({ fingerprintSha256 }) => fingerprintSha256 === read.fingerprintSha256)) chain.push(read);
    next = next.issuerCertificate;
  }
  return chain;
}

/** What OpenSSL says when the answer is no record of TLS. */
const NO_TLS =
  /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|BAD_RECORD_TYPE|RECORD_LAYER_FAILURE|UNEXPECTED_MESSAGE/;
const PROTOCOL = /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW/;
const CLIENT_CERTIFICATE =
  /CERTIFICATE_REQUIRED|ALERT_(BAD|UNKNOWN|UNSUPPORTED)_C|ALERT_UNKNOWN_CA|CERTIFICATE_(UNKNOWN|REVOKED|EXPIRED)/;

function faultOf({ code = "" }: NodeJS.ErrnoException): ConnectionFault {
  if (NO_TLS.test(code)) return "noTls";
  if (PROTOCOL.test(code)) return "protocolVersion";
  if (CLIENT_CERTIFICATE.test(code)) return "clientCertificateRefused";
  return code === "ECONNRESET" || code === "EPIPE" ? "closed" : "handshakeFailed";
}
