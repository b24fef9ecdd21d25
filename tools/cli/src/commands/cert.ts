import { randomUUIDv7 } from "node:crypto";
import { Certificate, CertificateList, type CertificateRevocation, CertificateWithChain } from "@vcc-pki/gateway/api";
import { writeWhole } from "../files.ts";
import type { Session } from "../session.ts";
import { fields, table } from "../table.ts";
import { date, dateWithDistance } from "../when.ts";

export interface ListOptions {
  readonly state?: string;
  readonly profile?: string;
  readonly authority?: string;
  readonly name?: string;
  /** Milliseconds. */
  readonly expiresWithin?: number;
  readonly limit: number;
}

const LARGEST_PAGE = 1000;

/** Follows the pages until there are `limit` certificates or no more. */
export async function listCertificates(options: ListOptions, session: Session): Promise<void> {
  const { client, settings, io } = session;
  const filter = {
    organisation: settings.organisation,
    status: options.state,
    profile: options.profile,
    ca_id: options.authority,
    name: options.name,
    expires_before:
      options.expiresWithin === undefined
        ? undefined
        : new Date(io.clock.now().getTime() + options.expiresWithin).toISOString(),
  };
  const certificates: Certificate[] = [];
  let page_token: string | undefined;
  do {
    const page_size = Math.min(LARGEST_PAGE, options.limit - certificates.length);
    const query = { ...filter, page_size, page_token };
    const page = await client.call({ path: "/api/v1/certs/list", query, answer: CertificateList });
    certificates.push(...page.certificates);
    page_token = page.next_page_token;
  } while (page_token !== undefined && certificates.length < options.limit);

  session.result({ certificates, more: page_token !== undefined }, () =>
    table(["id", "names", "profile", "state", "expires"], certificates.map(rowOf), "no certificates"),
  );
  if (page_token !== undefined) session.note(`there are more; --limit ${options.limit * 10} shows them`);
}

function rowOf(certificate: Certificate): string[] {
  const names = [...certificate.dns_names, ...certificate.ip_addresses, ...certificate.uris, ...certificate.emails];
  const [first = certificate.subject_dn, ...others] = names;
  const shown = others.length === 0 ? first : `${first} +${others.length}`;
  return [certificate.cert_id, shown, certificate.profile, certificate.status, date(certificate.expires_at)];
}

export async function showCertificate(id: string, options: { pem?: boolean; out?: string }, session: Session) {
  const { client, settings, io } = session;
  const { organisation } = settings;
  const path = `/api/v1/certs/${encodeURIComponent(plainId(id))}`;
  const found = await client.call({ path, query: { organisation }, answer: CertificateWithChain });
  if (options.out !== undefined) {
    writeWhole(options.out, found.chain_pem);
    session.note(`the certificate with its chain is in ${options.out}`);
  }
  session.result(found, () => (options.pem ? found.chain_pem : details(found, io.clock.now())));
}

const details = (certificate: Certificate, now: Date): string =>
  fields([
    ["id", certificate.cert_id],
    ["state", certificate.status],
    ["subject", certificate.subject_dn],
    ["dns", certificate.dns_names.join("\n")],
    ["ip", certificate.ip_addresses.join("\n")],
    ["uri", certificate.uris.join("\n")],
    ["email", certificate.emails.join("\n")],
    ["issuer", certificate.issuing_ca_id],
    ["profile", `${certificate.profile} (version ${certificate.profile_version})`],
    ["key", certificate.key_algorithm],
    ["valid from", date(certificate.not_before)],
    ["valid to", dateWithDistance(certificate.expires_at, now)],
    ["revoked", certificate.revoked_at && `${date(certificate.revoked_at)}, ${certificate.revocation_reason}`],
    ["requested by", certificate.requester],
    ["organisation", certificate.organization_id],
    ["sha-256", certificate.fingerprint_sha256],
  ]);

/** OpenSSL writes serial numbers with colons. */
export const plainId = (id: string): string => (/^[0-9a-f]{2}(:[0-9a-f]{2})+$/i.test(id) ? id.replaceAll(":", "") : id);

export interface RevokeOptions {
  readonly reason: CertificateRevocation["reason"];
  readonly invalidityDate?: Date;
  readonly requestId?: string;
  readonly yes?: boolean;
}

export async function revokeCertificate(id: string, options: RevokeOptions, session: Session): Promise<void> {
  const { client, settings } = session;
  const { organisation } = settings;
  const isHold = options.reason === "certificate_hold";
  const question = isHold ? `Put ${id} on hold?` : `Revoke ${id} for good (${options.reason})?`;
  await session.confirm(question, options.yes);
  const body: CertificateRevocation = { reason: options.reason };
  if (options.invalidityDate !== undefined) body.invalidity_date = options.invalidityDate.toISOString();
  const path = `/api/v1/certs/revoke/${encodeURIComponent(plainId(id))}`;
  const requestId = options.requestId ?? randomUUIDv7();
  const revoking = client.call({ method: "POST", path, query: { organisation }, body, requestId, answer: Certificate });
  const revoked = await session.during(`revoking ${id}`, revoking);
  const state = isHold ? "on hold" : "revoked";
  session.result(revoked, () => `${revoked.cert_id} is ${state} since ${date(revoked.revoked_at)}`);
}

export interface ReleaseOptions {
  readonly requestId?: string;
}

/** The one revocation that ends (RFC 5280 section 5.3.1). */
export async function releaseCertificate(id: string, options: ReleaseOptions, session: Session): Promise<void> {
  const { client, settings } = session;
  const query = { organisation: settings.organisation };
  const path = `/api/v1/certs/release/${encodeURIComponent(plainId(id))}`;
  const requestId = options.requestId ?? randomUUIDv7();
  const releasing = client.call({ method: "POST", path, query, requestId, answer: Certificate });
  const released = await session.during(`releasing ${id}`, releasing);
  session.result(released, () => `${released.cert_id} is ${released.status} again`);
}
