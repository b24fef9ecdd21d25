import { randomUUIDv7 } from "node:crypto";
import { rmSync } from "node:fs";
import { ERRORS, type PkiError, toPkiError } from "@vcc-pki/errors";
import { type CertificateRequest, CertificateWithChain } from "@vcc-pki/gateway/api";
import { createCertificationRequest, pemEncode } from "@vcc-pki/x509";
import { readInput, requireAbsent, writeWhole } from "../files.ts";
import type { Session } from "../session.ts";
import { generateSubscriberKey, keyToPem } from "../subscriber-key.ts";
import { fields, printable } from "../table.ts";
import { UsageError } from "../usage.ts";
import { dateWithDistance } from "../when.ts";

export interface IssueOptions {
  readonly profile: string;
  readonly csr?: string;
  readonly name?: readonly string[];
  readonly ip?: readonly string[];
  readonly uri?: readonly string[];
  readonly email?: readonly string[];
  readonly keyOut?: string;
  readonly keyAlgorithm: string;
  readonly authority?: string;
  /** Milliseconds. */
  readonly validity?: number;
  readonly out: string;
  readonly requestId?: string;
  readonly force?: boolean;
}

/** A request, and what was made for it on this machine. */
interface Prepared {
  readonly csrPem: string;
  /** A new key, already on disk; undefined when the CSR was given. */
  readonly keyFile?: string;
}

/** Obtains a certificate. The key, when we make it, is on disk before anything is asked for, so that no certificate can exist
 *  whose key is lost; a refusal removes it again, an unknown outcome keeps it and says how to repeat. */
export async function issueCertificate(options: IssueOptions, session: Session): Promise<void> {
  const { force, out } = options;
  requireAbsent(out, force);

  // 1. Key and request.
  const prepared = options.csr === undefined ? makeKeyAndRequest(options, session) : readRequest(options);

  // 2. The certificate.
  const requestId = options.requestId ?? randomUUIDv7();
  const asking = ask(options, prepared.csrPem, requestId, session);
  const issued = await session
    .during(`asking for a certificate of profile ${options.profile}`, asking)
    .catch((error) => {
      throw tidyUp(toPkiError(error), prepared, requestId, session);
    });

  // 3. The full chain, as servers want it.
  writeChain(issued, out, force);
  session.note(`the certificate with its chain is in ${out}`);
  session.result({ ...issued, certificate_file: out, key_file: prepared.keyFile }, () =>
    fields([
      ["certificate", issued.cert_id],
      ["names", namesOf(issued).map(printable).join("\n")],
      ["issuer", issued.issuing_ca_id],
      ["valid to", dateWithDistance(issued.expires_at, session.io.clock.now())],
      ["file", out],
      ["key", prepared.keyFile],
    ]),
  );
}

/** The certificate exists now, whatever becomes of the file. */
function writeChain({ cert_id, chain_pem }: CertificateWithChain, out: string, force: boolean | undefined): void {
  try {
    writeWhole(out, chain_pem, { force });
  } catch (error) {
    const again = `it is issued: vcc-pki cert show ${cert_id} --out FILE fetches it again`;
    throw new UsageError(`${(error as Error).message}; ${again}`, { cause: error });
  }
}

const namesOf = (issued: CertificateWithChain): string[] => [
  ...issued.dns_names,
  ...issued.ip_addresses,
  ...issued.uris,
  ...issued.emails,
];

function readRequest(options: IssueOptions): Prepared {
  const { csr, name, ip, uri, email, keyOut } = options;
  if (name || ip || uri || email || keyOut) throw new UsageError("--csr already holds the names and the key");
  const bytes = readInput(csr ?? "");
  const text = bytes.toString("latin1");
  return { csrPem: text.includes("-----BEGIN") ? text : pemEncode("CERTIFICATE REQUEST", bytes) };
}

function makeKeyAndRequest(options: IssueOptions, session: Session): Prepared {
  const { name: dns = [], ip = [], uri = [], email = [], keyOut, keyAlgorithm, force } = options;
  if (dns.length + ip.length + uri.length + email.length === 0)
    throw new UsageError("give --csr FILE or at least one --name");
  if (keyOut === undefined) throw new UsageError("--key-out FILE says where the new key goes");
  requireAbsent(keyOut, force);

  const privateKey = generateSubscriberKey(keyAlgorithm);
  const subjectAltNames = { dns: [...dns], ip: [...ip], uri: [...uri], email: [...email] };
  const csrDer = createCertificationRequest({ subjectAltNames, privateKey });
  writeWhole(keyOut, keyToPem(privateKey), { mode: 0o600, force });
  session.note(`a new ${keyAlgorithm} key is in ${keyOut} (only you can read it)`);
  return { csrPem: pemEncode("CERTIFICATE REQUEST", csrDer), keyFile: keyOut };
}

function ask(options: IssueOptions, csr: string, requestId: string, { client, settings }: Session) {
  const body: CertificateRequest = { profile: options.profile, csr };
  if (options.authority !== undefined) body.ca_id = options.authority;
  if (options.validity !== undefined) body.validity_seconds = Math.floor(options.validity / 1000);
  const { organisation } = settings;
  const path = "/api/v1/certs/request";
  return client.call({ method: "POST", path, query: { organisation }, body, requestId, answer: CertificateWithChain });
}

/** After a refusal the new key is worth nothing. When the outcome is unknown the certificate may exist: the request is kept
 *  beside its key, and repeating it under the same id gives the one answer there is. */
function tidyUp(error: PkiError, { keyFile, csrPem }: Prepared, requestId: string, session: Session): PkiError {
  if (!ERRORS[error.code].retry && error.code !== "INTERNAL") {
    if (keyFile !== undefined) rmSync(keyFile, { force: true });
    return error;
  }
  if (keyFile !== undefined) writeWhole(`${keyFile}.csr`, csrPem, { force: true });
  const csr = keyFile === undefined ? "the same --csr" : `--csr ${keyFile}.csr`;
  session.note(`the key is kept; repeat with ${csr} --request-id ${requestId}`);
  return error;
}
