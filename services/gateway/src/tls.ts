import { constants } from "node:crypto";
import type { RequestListener } from "node:http";
import { createServer, type Server, type ServerOptions } from "node:https";
import type { SecureContextOptions } from "node:tls";
import type { IdentitySource } from "@vcc-pki/rpc";

const HANDSHAKE_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 2_000;

/** Of the connections those without a certificate of ours: the others are never kept out by them. */
const MAX_STRANGERS = 500;

/** An HTTPS server that asks for client certificates and admits connections without one, for the routes of who has none yet: what a connection without a verified one may
 *  do is the door's to say, for each request (`app.ts`). TLS 1.3, no session resumption (a resumed session would skip the client
 *  certificate), and new connections get a renewed identity at once. */
export function createTlsServer(identity: IdentitySource, listener: RequestListener): Server {
  const options: ServerOptions = {
    ...secureContext(identity),
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    ALPNProtocols: ["http/1.1"],
  };
  const server = createServer(options, listener);
  server.maxConnections = MAX_CONNECTIONS;
  let strangers = 0;
  server.on("secureConnection", (socket) => {
    if (socket.authorized) return;
    if (strangers >= MAX_STRANGERS) return void socket.destroy();
    strangers++;
    socket.once("close", () => strangers--);
  });
  const stop = identity.onChange(() => server.setSecureContext(secureContext(identity)));
  server.once("close", stop);
  return server;
}

/** Everything `setSecureContext` replaces; what is left out there would fall back to Node's defaults. */
function secureContext(identity: IdentitySource): SecureContextOptions {
  const { keyPem, chainPem, trustPem } = identity.current();
  return {
    key: keyPem,
    cert: chainPem,
    ca: trustPem,
    minVersion: "TLSv1.3",
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}
