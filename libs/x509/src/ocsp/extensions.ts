import { malformed } from "../der/malformed.ts";
import { DerReader } from "../der/reader.ts";
import { TAG } from "../der/tags.ts";
import { parseGeneralizedTime } from "../extensions/crl-extensions.ts";
import { buildExtension, type Extension } from "../extensions/extension.ts";
import { parseNull } from "../extensions/revocation-flags.ts";
import { OID } from "../oids.ts";

const MAX_NONCE_OCTETS = 128;

/** Nonce ::= OCTET STRING (SIZE (1..128)), itself inside the extension's OCTET STRING (RFC 9654 section 2.1). In requests and,
 *  repeated, in responses. Not critical. */
export function ocspNonce(nonce: Uint8Array): Uint8Array {
  if (nonce.length < 1 || nonce.length > MAX_NONCE_OCTETS) throw new RangeError("a nonce has 1 to 128 octets");
  return buildExtension(OID.ocspNonce, false, (writer) => writer.octetString(nonce));
}

/** ArchiveCutoff ::= GeneralizedTime (RFC 6960 section 4.4.4): the responder keeps status of certificates that expired since. Among
 *  the singleExtensions. Not critical. */
export function ocspArchiveCutoff(since: Date): Uint8Array {
  return buildExtension(OID.ocspArchiveCutoff, false, (writer) => writer.generalizedTime(since));
}

/** id-pkix-ocsp-extended-revoke, NULL (RFC 6960 section 4.4.8): this responder says "revoked" of certificates never issued. Among the
 *  responseExtensions. Not critical. */
export function ocspExtendedRevoke(): Uint8Array {
  return buildExtension(OID.ocspExtendedRevoke, false, (writer) => writer.primitive(TAG.NULL, new Uint8Array()));
}

/** What we understand among OCSP extensions. */
export interface KnownOcspExtensions {
  readonly nonce?: Uint8Array;
  readonly archiveCutoff?: Date;
  readonly extendedRevoke?: true;
}

const PARSERS = {
  [OID.ocspNonce]: (der: Uint8Array) => ({ nonce: parseNonce(der) }),
  [OID.ocspArchiveCutoff]: (der: Uint8Array) => ({ archiveCutoff: parseGeneralizedTime(der) }),
  [OID.ocspExtendedRevoke]: (der: Uint8Array) => ({ extendedRevoke: parseNull(der) }),
} as const;

type KnownOid = keyof typeof PARSERS;

/** Reads those of `extensions` that are named in `understood`. Others are passed over, unless critical: then the message means
 *  something that we do not know (RFC 6960 section 4.4), which is DER_MALFORMED. */
export function parseOcspExtensions(
  extensions: readonly Extension[],
  understood: readonly KnownOid[],
): KnownOcspExtensions {
  const known: KnownOcspExtensions = {};
  for (const { oid, critical, valueDer } of extensions) {
    const name = understood.find((candidate) => candidate === oid);
    if (name !== undefined) Object.assign(known, PARSERS[name](valueDer));
    else if (critical) throw malformed(`unknown critical extension ${oid}`);
  }
  return known;
}

function parseNonce(valueDer: Uint8Array): Uint8Array {
  const reader = DerReader.over(valueDer);
  const nonce = reader.octetString();
  reader.end();
  if (nonce.length < 1 || nonce.length > MAX_NONCE_OCTETS) throw malformed("a nonce has 1 to 128 octets");
  return nonce;
}
