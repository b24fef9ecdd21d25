import { PkiError } from "@vcc-pki/errors";
import { parseCertificate, parseSpiffeId, type SpiffeId } from "@vcc-pki/x509";

/** Who is at the other end of a connection: what we read ourselves from the certificate that TLS has verified. */
export interface Peer {
  readonly id: SpiffeId;
  readonly serialHex: string;
  /** The authorityKeyIdentifier, lower-case hex. */
  readonly issuerKeyId: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Extended key usages, RFC 5280 section 4.2.1.12. */
const USAGE = { serverAuth: "1.3.6.1.5.5.7.3.1", clientAuth: "1.3.6.1.5.5.7.3.2" } as const;

/** Reads the identity from a certificate: exactly one URI subjectAltName, a SPIFFE ID of the trust domain, and the extended key
 *  usage spelt out. The common name and all other names are ignored. Throws CALLER_UNAUTHENTICATED. */
export function readPeer(certificateDer: Uint8Array, usage: keyof typeof USAGE, trustDomain?: string): Peer {
  try {
    const certificate = parseCertificate(certificateDer);
    const [uri, ...otherUris] = certificate.subjectAltNames.uri;
    if (uri === undefined || otherUris.length > 0) throw new Error("not exactly one URI subjectAltName");
    if (certificate.isCa) throw new Error("a CA certificate is nobody's identity");
    if (!certificate.extendedKeyUsages?.includes(USAGE[usage])) throw new Error(`no ${usage}`);
    if (!certificate.authorityKeyIdentifier) throw new Error("no authorityKeyIdentifier");
    return {
      id: parseSpiffeId(uri, trustDomain),
      serialHex: certificate.serialHex,
      issuerKeyId: Buffer.from(certificate.authorityKeyIdentifier).toString("hex"),
      notBefore: certificate.notBefore,
      notAfter: certificate.notAfter,
    };
  } catch (cause) {
    throw new PkiError("CALLER_UNAUTHENTICATED", "the peer's certificate is not an identity of this suite", { cause });
  }
}
