import { readIdentity } from "../identity.ts";
import type { Io } from "../io.ts";
import type { Settings } from "../settings.ts";
import { fields } from "../table.ts";
import { dateWithDistance } from "../when.ts";

/** Where commands go and as whom, without asking anybody: for when nothing else works. */
export function showConfig(settings: Settings, io: Io, json: boolean): void {
  const { certificate } = readIdentity(settings, io.clock.now());
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
