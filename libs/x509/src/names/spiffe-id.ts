import { PkiError } from "@vcc-pki/errors";

/** An identity of the suite's trust domain. `uri` is the URI subjectAltName, byte for byte. */
export type SpiffeId =
  | { readonly uri: string; readonly kind: "suite"; readonly service: string }
  | { readonly uri: string; readonly kind: "workload"; readonly organisation: string; readonly service: string }
  | { readonly uri: string; readonly kind: "admin"; readonly organisation: string; readonly id: string };

export const DEFAULT_TRUST_DOMAIN = "vcc.internal";

const TRUST_DOMAIN = /^[a-z0-9]([a-z0-9.-]{0,253}[a-z0-9])?$/;
const ORGANISATION = "[a-z][a-z0-9-]{1,38}[a-z0-9]";
const SUITE = /^\/pki\/([a-z][a-z0-9-]{0,62})$/;
const WORKLOAD = new RegExp(`^/org/(${ORGANISATION})/service/([a-z0-9][a-z0-9._-]{0,62})$`);
const ADMIN = new RegExp(`^/org/(${ORGANISATION})/admin/([a-z0-9][a-z0-9._-]{0,62})$`);

/** Reads a SPIFFE ID (SPIFFE-ID section 2) in one of the suite's three shapes. Stricter than the standard: lower case only, no
 *  port, no percent-encoding, no query, nothing to normalise, so that equal identities are equal strings. Throws NAME_MALFORMED. */
export function parseSpiffeId(uri: string, trustDomain: string = DEFAULT_TRUST_DOMAIN): SpiffeId {
  const prefix = `spiffe://${trustDomain}`;
  if (!uri.startsWith(`${prefix}/`)) throw new PkiError("NAME_MALFORMED", `not an identity of ${prefix}`);
  const path = uri.slice(prefix.length);

  const suite = SUITE.exec(path);
  if (suite?.[1]) return { uri, kind: "suite", service: suite[1] };
  const workload = WORKLOAD.exec(path);
  if (workload?.[1] && workload[2]) return { uri, kind: "workload", organisation: workload[1], service: workload[2] };
  const admin = ADMIN.exec(path);
  if (admin?.[1] && admin[2]) return { uri, kind: "admin", organisation: admin[1], id: admin[2] };
  throw new PkiError("NAME_MALFORMED", "not a suite, workload or admin identity");
}

/** "ca" to "spiffe://vcc.internal/pki/ca". */
export function suiteId(service: string, trustDomain: string = DEFAULT_TRUST_DOMAIN): string {
  return parseSpiffeId(`spiffe://${checkTrustDomain(trustDomain)}/pki/${service}`, trustDomain).uri;
}

/** A trust domain name as SPIFFE-ID section 2.1 wants it. Throws CONFIG_INVALID. */
export function checkTrustDomain(text: string): string {
  if (!TRUST_DOMAIN.test(text)) throw new PkiError("CONFIG_INVALID", `not a trust domain: "${text}"`);
  return text;
}
