/** A certificate that is no longer believed. Hex is lower-case; `issuerKeyId` is its authorityKeyIdentifier. */
export interface DeniedCertificate {
  readonly serialHex: string;
  readonly issuerKeyId: string;
  /** After this moment the entry is superfluous, for the certificate has expired. Without it the entry stays. */
  readonly notAfter?: Date;
}

/** Revoked certificates, asked on every call. A change also ends the streams that a denied certificate has open. */
export interface DenyList {
  isDenied(serialHex: string, issuerKeyId: string): boolean;
  /** Called after each change. Returns a function that ends the subscription. */
  onChange(listener: () => void): () => void;
}

export interface WritableDenyList extends DenyList {
  deny(...certificates: DeniedCertificate[]): void;
  /** Takes a certificate off the list again: certificateHold is the one revocation that ends (RFC 5280 section 5.3.1). */
  allow(certificate: DeniedCertificate): void;
  /** Makes the list exactly this, for a start or a resynchronisation. */
  replace(certificates: Iterable<DeniedCertificate>): void;
  /** Forgets certificates that expired before `now`. */
  dropExpired(now: Date): void;
  readonly size: number;
}

const keyOf = (serialHex: string, issuerKeyId: string): string => `${issuerKeyId}:${serialHex}`;

export function createDenyList(): WritableDenyList {
  /** notAfter in milliseconds, by certificate: every process holds everything that is revoked, so an entry must not cost much. */
  const denied = new Map<string, number>();
  const listeners = new Set<() => void>();
  const add = ({ serialHex, issuerKeyId, notAfter }: DeniedCertificate) =>
    denied.set(keyOf(serialHex, issuerKeyId), notAfter?.getTime() ?? Number.POSITIVE_INFINITY);
  const changed = () => {
    for (const listener of listeners) listener();
  };
  return {
    isDenied: (serialHex, issuerKeyId) => denied.has(keyOf(serialHex, issuerKeyId)),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    deny(...certificates) {
      certificates.forEach(add);
      changed();
    },
    allow(certificate) {
      if (denied.delete(keyOf(certificate.serialHex, certificate.issuerKeyId))) changed();
    },
    replace(certificates) {
      denied.clear();
      for (const certificate of certificates) add(certificate);
      changed();
    },
    dropExpired(now) {
      for (const [key, notAfterMs] of denied) if (notAfterMs < now.getTime()) denied.delete(key);
    },
    get size() {
      return denied.size;
    },
  };
}
