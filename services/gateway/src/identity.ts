import type { TLSSocket } from "node:tls";
import { PkiError } from "@vcc-pki/errors";
import { type DenyList, type Peer, readPeer } from "@vcc-pki/rpc";
import type { Clock } from "@vcc-pki/time";
import { type Certificate, parseCertificate } from "@vcc-pki/x509";
import type { ClientIssuers } from "./client-issuers.ts";
import type { ClientStatus } from "./client-status.ts";
import type { ClientId } from "./http.ts";

export interface IdentityOptions {
  readonly issuers: Readonly<Record<ClientId["kind"], ClientIssuers>>;
  readonly status: ClientStatus;
  readonly denyList: DenyList;
  readonly trustDomain: string;
  readonly clock: Clock;
}

/** Who is at the other end of a connection. Throws CALLER_UNAUTHENTICATED, CALLER_REVOKED, CALLER_NOT_ALLOWED, or
 *  PEER_UNAVAILABLE while the ca has not told what it needs to know. */
export type Identify = (socket: TLSSocket) => Promise<ClientId>;

/** Reads who it is from the client certificate, for every request anew: a connection outlives a certificate and its
 *  revocation. TLS has verified the chain; what the certificate says is read from its DER by our own parser. */
export function createIdentify({ issuers, status, denyList, trustDomain, clock }: IdentityOptions): Identify {
  const peers = new WeakMap<TLSSocket, { peer: Peer; certificate: Certificate }>();

  const peerOf = (socket: TLSSocket) => {
    const known = peers.get(socket);
    if (known) return known;
    const der = socket.authorized ? socket.getPeerX509Certificate()?.raw : undefined;
    if (der === undefined) throw new PkiError("CALLER_UNAUTHENTICATED", "a client certificate is required");
    const read = { peer: readPeer(der, "clientAuth", trustDomain), certificate: parseCertificate(der) };
    peers.set(socket, read);
    return read;
  };

  return async (socket) => {
    const { peer, certificate } = peerOf(socket);
    const { id, notBefore, notAfter, serialHex, issuerKeyId } = peer;
    const now = clock.now();
    // Both ends are inclusive (RFC 5280 section 4.1.2.5).
    if (now < notBefore || now > notAfter) {
      throw new PkiError("CALLER_UNAUTHENTICATED", "the client certificate is expired or not yet valid");
    }
    if (denyList.isDenied(serialHex, issuerKeyId)) throw revoked();
    if (id.kind === "suite") throw new PkiError("CALLER_NOT_ALLOWED", "services of the suite do not use this door");
    const issuer = await issuers[id.kind].find(certificate);
    if (issuer === undefined) {
      throw new PkiError(
        "CALLER_NOT_ALLOWED",
        `the certificate was not issued by an authority for ${OF_KIND[id.kind]}`,
      );
    }
    if (!(await status.isValid(`${issuer.authorityId}:${serialHex}`, id))) throw revoked();
    return id;
  };
}

const OF_KIND: Record<ClientId["kind"], string> = { admin: "administrators", workload: "workloads" };

const revoked = (): PkiError => new PkiError("CALLER_REVOKED", "the client certificate is revoked");
