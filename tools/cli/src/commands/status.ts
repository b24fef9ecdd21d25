import { CertificateWithChain } from "@vcc-pki/gateway/api";
import { type Certificate, nameToText, parseCertificate, pemDecode } from "@vcc-pki/x509";
import { askCrl } from "../crl-status.ts";
import { EXIT, type Exit } from "../exit-codes.ts";
import { readInput } from "../files.ts";
import { type Chain, findIssuer } from "../issuer.ts";
import { askOcsp } from "../ocsp-status.ts";
import type { ProvenStatus } from "../proven-status.ts";
import type { Output, Session } from "../session.ts";
import { fields } from "../table.ts";
import { date, dateWithDistance } from "../when.ts";
import { plainId } from "./cert.ts";

export interface StatusOptions {
  readonly crl?: boolean;
}

const EXIT_OF = { good: EXIT.ok, revoked: EXIT.revoked, unknown: EXIT.unknown } as const satisfies Record<
  ProvenStatus["status"],
  Exit
>;

/** Of a certificate of any suite: all that is needed besides is the root to trust. */
export const statusOfFile = (file: string, options: StatusOptions, output: Output): Promise<void> =>
  showStatus(readChain(readInput(file)), options, output);

/** Of one of ours, which the suite hands out with its chain. */
export async function statusOfCertificate(id: string, options: StatusOptions, session: Session): Promise<void> {
  const { client, settings } = session;
  const path = `/api/v1/certs/${encodeURIComponent(plainId(id))}`;
  const query = { organisation: settings.organisation };
  const { chain_pem } = await client.call({ path, query, answer: CertificateWithChain });
  await showStatus(readChain(Buffer.from(chain_pem)), options, session);
}

/** PEM, the certificate first, or DER. Throws CERTIFICATE_MALFORMED, REQUEST_MALFORMED. */
function readChain(bytes: Buffer): Chain {
  const text = bytes.toString("latin1");
  const ders = text.includes("-----BEGIN ") ? pemDecode(text, "CERTIFICATE") : [new Uint8Array(bytes)];
  const [certificate, ...others] = ders.map(parseCertificate) as [Certificate, ...Certificate[]];
  return { certificate, others };
}

async function showStatus(chain: Chain, options: StatusOptions, output: Output): Promise<void> {
  const { io } = output;
  const { certificate } = chain;
  const now = () => io.clock.now();
  const issuer = await findIssuer(chain, output.settings, now());
  const proven = await output.during("asking for the status", ask(certificate, issuer, options, output));

  const facts = {
    serial_number: certificate.serialHex,
    issuer: nameToText(issuer.subject),
    status: proven.status,
    revoked_at: proven.revokedAt?.toISOString(),
    revocation_reason: proven.reason,
    this_update: proven.thisUpdate.toISOString(),
    next_update: proven.nextUpdate?.toISOString(),
    source: proven.source,
    url: proven.url,
    signed_by: nameToText(proven.signer.subject) || proven.signer.subjectAltNames.uri.join(" "),
    expires_at: certificate.notAfter.toISOString(),
  };
  output.conclude(EXIT_OF[proven.status]);
  output.result(facts, () =>
    fields([
      ["status", io.paint(proven.status === "good" ? "green" : "red", facts.status)],
      ["revoked", facts.revoked_at && `${date(facts.revoked_at)}, ${facts.revocation_reason}`],
      ["serial", facts.serial_number],
      ["issuer", facts.issuer],
      ["valid to", dateWithDistance(facts.expires_at, now())],
      ["as of", dateWithDistance(facts.this_update, now())],
      ["next", dateWithDistance(facts.next_update, now())],
      ["source", `${facts.source} ${facts.url}`],
      ["signed by", facts.signed_by],
    ]),
  );
}

/** With --crl the list stands in for a responder that gives no answer we can use. */
async function ask(
  certificate: Certificate,
  issuer: Certificate,
  { crl }: StatusOptions,
  output: Output,
): Promise<ProvenStatus> {
  const now = () => output.io.clock.now();
  try {
    return await askOcsp(certificate, issuer, now);
  } catch (error) {
    if (!crl) throw error;
    output.note(`no answer by OCSP (${(error as Error).message}); looking into the list`);
    return askCrl(certificate, issuer, now);
  }
}
