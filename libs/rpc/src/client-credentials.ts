import { isIP, type Socket } from "node:net";
import { type ConnectionOptions, createSecureContext, type PeerCertificate, connect as tlsConnect } from "node:tls";
import { CallCredentials, ChannelCredentials } from "@grpc/grpc-js";
import type { IdentityMaterial } from "./identity.ts";
import { readPeer } from "./peer.ts";
import { TLS_13_CIPHERS } from "./server-credentials.ts";

type SecureConnector = ReturnType<ChannelCredentials["_createSecureConnector"]>;
type Target = Parameters<ChannelCredentials["_createSecureConnector"]>[0];

/** Presents `identity` and accepts only the server `expect`, a SPIFFE URI, with a chain to the trusted roots. TLS 1.3 only.
 *  `ChannelCredentials.createSsl` can say neither the version nor leave out the server name, which Node refuses for an IP address. */
export class MutualTlsChannelCredentials extends ChannelCredentials {
  readonly #options: ConnectionOptions;

  constructor(identity: IdentityMaterial, expect: string, trustDomain?: string) {
    super();
    this.#options = {
      secureContext: createSecureContext({
        key: identity.keyPem,
        cert: identity.chainPem,
        ca: identity.trustPem,
        minVersion: "TLSv1.3",
        ciphers: TLS_13_CIPHERS,
      }),
      ALPNProtocols: ["h2"],
      rejectUnauthorized: true,
      checkServerIdentity: (_host, certificate) => checkServer(certificate, expect, trustDomain),
    };
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(target: Target, _options: unknown, calls?: CallCredentials): SecureConnector {
    const host = hostOf(target.path);
    const options = { ...this.#options, ...(isIP(host) ? {} : { servername: host }) };
    return {
      connect: async (socket) => ({ socket: await secured(socket, options), secure: true }),
      waitForReady: async () => {},
      getCallCredentials: () => calls ?? CallCredentials.createEmpty(),
      destroy: () => {},
    };
  }
}

function secured(socket: Socket, options: ConnectionOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const secure = tlsConnect({ ...options, socket }, () => resolve(secure));
    secure.on("error", reject);
    secure.on("close", () => reject(new Error("the connection was closed during the handshake")));
  });
}

/** Takes the place of the host name check, after Node has verified chain and dates. Names other than the one URI do not count. */
function checkServer(certificate: PeerCertificate, expect: string, trustDomain?: string): Error | undefined {
  try {
    const { id } = readPeer(certificate.raw, "serverAuth", trustDomain);
    return id.uri === expect ? undefined : new Error(`the server is ${id.uri}, not ${expect}`);
  } catch (error) {
    return error as Error;
  }
}

/** "127.0.0.1:7402", "[::1]:7402" or "ca.internal:7402" without the port. */
const hostOf = (address: string): string => address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
