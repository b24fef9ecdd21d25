import { PkiError } from "@vcc-pki/errors";
import { type Certificate, parseCertificate, pemDecode } from "@vcc-pki/x509";
import type { Io } from "../io.ts";
import { readIdentityFile, type Settings } from "../settings.ts";
import { fields } from "../table.ts";
import { dateWithDistance } from "../when.ts";

/** Where commands go and as whom, without asking anybody: for when nothing else works. */
export function showConfig(settings: Settings, io: Io, json: boolean): void {
  const certificate = readCertificate(settings.certFile);
  const facts = {
    server: settings.server,
    organisation: settings.organisation,
    certificate: settings.certFile,
    key: settings.keyFile,
    trusted_roots: settings.caFile,
    identity: certificate.subjectAltNames.uri[0],
    expires_at: certificate.notAfter.toISOString(),
  };
  const human = () =>
    fields([
      ["server", facts.server],
      ["organisation", facts.organisation],
      ["certificate", facts.certificate],
      ["key", facts.key],
      ["trusted roots", facts.trusted_roots],
      ["you are", facts.identity],
      ["valid to", dateWithDistance(facts.expires_at, io.clock.now())],
    ]);
  io.out(`${json ? JSON.stringify(facts, null, 2) : human()}\n`);
}

function readCertificate(file: string): Certificate {
  const [der] = pemDecode(readIdentityFile(file), "CERTIFICATE");
  if (der === undefined) throw new PkiError("CERTIFICATE_MALFORMED", `${file} holds no certificate`);
  return parseCertificate(der);
}
