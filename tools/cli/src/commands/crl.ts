import { parseCertificateList, pemEncode } from "@vcc-pki/x509";
import { writeWhole } from "../files.ts";
import type { Session } from "../session.ts";
import { fields } from "../table.ts";
import { dateWithDistance } from "../when.ts";

/** Fetches the newest CRL, checks that it is one, and writes it. */
export async function fetchCrl(id: string, options: { out: string; pem?: boolean; force?: boolean }, session: Session) {
  const { client, io } = session;
  const der = await client.bytes(`/api/v1/crl/${encodeURIComponent(id)}`, "application/pkix-crl");
  const crl = parseCertificateList(der);
  writeWhole(options.out, options.pem ? pemEncode("X509 CRL", der) : der, { force: options.force });
  const facts = {
    ca_id: id,
    crl_number: String(crl.crlNumber),
    this_update: crl.thisUpdate.toISOString(),
    next_update: crl.nextUpdate?.toISOString(),
    revoked: crl.revokedCount,
    file: options.out,
  };
  session.result(facts, () =>
    fields([
      ["number", facts.crl_number],
      ["issued", dateWithDistance(facts.this_update, io.clock.now())],
      ["next", dateWithDistance(facts.next_update, io.clock.now())],
      ["revoked", String(facts.revoked)],
      ["file", facts.file],
    ]),
  );
}
