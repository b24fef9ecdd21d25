import { sign } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer as createPlainServer, type Server, type Socket } from "node:net";
import { createServer, type TLSSocket, type TlsOptions } from "node:tls";
import type { IssuedTestCertificate, TestAuthority } from "@vcc-pki/testkit/hierarchy";
import {
  assembleOcspResponse,
  buildCertId,
  buildResponseData,
  type Certificate,
  type CertStatus,
  issuerHashes,
  sha1KeyIdentifier,
} from "@vcc-pki/x509";

export interface TestServer {
  readonly port: number;
  close(): Promise<void>;
}

const opened: TestServer[] = [];

/** Closes all that were opened. */
export async function closeServers(): Promise<void> {
  await Promise.all(opened.splice(0).map((server) => server.close()));
}

export async function listen(server: Server, host = "127.0.0.1", port = 0): Promise<TestServer> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  });
  server.listen(port, host);
  await once(server, "listening");
  const test = {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      if (server.listening) await once(server, "close");
    },
  };
  opened.push(test);
  return test;
}

export interface ServeOptions extends TlsOptions {
  /** Default: 127.0.0.1, and any port. */
  readonly host?: string;
  readonly port?: number;
  /** DER of an OCSPResponse. */
  readonly staple?: Uint8Array;
  /** Called with each connection. */
  readonly speak?: (socket: TLSSocket) => void;
}

/** A TLS server with this certificate, on loopback. */
export function serveTls(
  { keyPem, chainPem }: Pick<IssuedTestCertificate, "keyPem" | "chainPem">,
  { staple, speak, host, port, ...tls }: ServeOptions = {},
): Promise<TestServer> {
  const server = createServer({ key: keyPem, cert: chainPem, ...tls }, (socket) => {
    socket.on("error", () => {});
    speak?.(socket);
  });
  server.on("tlsClientError", () => {});
  if (staple) server.on("OCSPRequest", (_certificate, _issuer, done) => done(null, Buffer.from(staple)));
  return listen(server, host, port);
}

/** What an authority's own responder says of a certificate, from now by the clock for an hour. */
export function stapleOf(
  authority: TestAuthority,
  certificate: Certificate,
  status: CertStatus,
  now: Date,
  signer = authority,
): Uint8Array {
  const certIdDer = buildCertId(issuerHashes(authority.certificate).sha256, certificate.serial);
  const nextUpdate = new Date(now.getTime() + 3_600_000);
  const data = buildResponseData(sha1KeyIdentifier(authority.spkiDer), {
    producedAt: now,
    responses: [{ certIdDer, ...status, thisUpdate: now, nextUpdate }],
  });
  return assembleOcspResponse(data, "ecdsa-p256-sha256", sign("sha256", data, signer.privateKey));
}

export const servePlain = (speak: (socket: Socket) => void, host?: string, port?: number): Promise<TestServer> =>
  listen(
    createPlainServer((socket) => {
      socket.on("error", () => {});
      speak(socket);
    }),
    host,
    port,
  );

/** Answers each connection's first octets with these, and ends it unless `open`. */
export const answering =
  (answer: string, open = false) =>
  (socket: Socket) =>
    socket.once("data", () => (open ? socket.write(answer) : socket.end(answer)));

export const http = (status: number, body: string, headers = ""): string =>
  `HTTP/1.1 ${status} X\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
