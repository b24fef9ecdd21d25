import { type CertificateList, nameToText, parseCertificateList, pemDecode, pemEncode } from "@vcc-pki/x509";
import { fetchCrlFrom } from "../crl-status.ts";
import { readInput, writeWhole } from "../files.ts";
import type { Output, Session } from "../session.ts";
import { fields, table } from "../table.ts";
import { date, dateWithDistance } from "../when.ts";

interface Which {
  readonly shard: number;
  readonly delta?: boolean;
}

export interface GetCrlOptions extends Which {
  readonly out: string;
  readonly pem?: boolean;
  readonly force?: boolean;
}

const newest = (id: string, { shard, delta }: Which, { client }: Session): Promise<Buffer> =>
  client.bytes(`/api/v1/crl/${encodeURIComponent(id)}`, "application/pkix-crl", {
    shard: shard === 0 ? undefined : shard,
    delta: delta ? "true" : undefined,
  });

/** Fetches the newest CRL, checks that it is one, and writes it. */
export async function fetchCrl(id: string, options: GetCrlOptions, session: Session): Promise<void> {
  const { io } = session;
  const der = await newest(id, options, session);
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

export interface ShowCrlOptions extends Which {
  readonly limit: number;
}

export const showCrlOfAuthority = async (id: string, options: ShowCrlOptions, session: Session): Promise<void> =>
  showCrl(await newest(id, options, session), options, session);

export const showCrlOfUrl = async (url: string, options: ShowCrlOptions, output: Output): Promise<void> =>
  showCrl(await fetchCrlFrom(url), options, output);

export const showCrlOfFile = (file: string, options: ShowCrlOptions, output: Output): void =>
  showCrl(readInput(file), options, output);

function showCrl(bytes: Buffer, { limit }: ShowCrlOptions, output: Output): void {
  const text = bytes.subarray(0, 64).toString("latin1");
  const [der = new Uint8Array()] = text.includes("-----BEGIN ")
    ? pemDecode(bytes.toString("latin1"), "X509 CRL")
    : [new Uint8Array(bytes)];
  const crl = parseCertificateList(der);
  const facts = factsOf(crl);
  const entries = crl
    .revoked()
    .take(limit)
    .map(({ serialHex, revocationDate, reason, invalidityDate }) => ({
      serial_number: serialHex,
      revoked_at: revocationDate.toISOString(),
      reason,
      invalid_since: invalidityDate?.toISOString(),
    }))
    .toArray();
  output.result({ ...facts, entries }, () => {
    const rows = entries.map((entry) => [
      ...[entry.serial_number, date(entry.revoked_at), entry.reason, date(entry.invalid_since)],
    ]);
    const shown = table(["serial", "revoked", "reason", "invalid since"], rows, "nothing is revoked");
    return `${headOf(facts, output.io.clock.now())}\n\n${crl.revokedCount > 0 && limit === 0 ? "" : shown}`.trimEnd();
  });
  if (crl.revokedCount > entries.length) {
    output.note(`${crl.revokedCount - entries.length} more; --limit ${crl.revokedCount} shows them`);
  }
}

const factsOf = (crl: CertificateList) => ({
  issuer: nameToText(crl.issuer),
  crl_number: crl.crlNumber === undefined ? undefined : String(crl.crlNumber),
  kind: crl.known.deltaCrlIndicator === undefined ? ("full" as const) : ("delta" as const),
  base_crl_number: crl.known.deltaCrlIndicator === undefined ? undefined : String(crl.known.deltaCrlIndicator),
  covers: coverageOf(crl),
  published_at: crl.known.issuingDistributionPoint?.urls ?? [],
  this_update: crl.thisUpdate.toISOString(),
  next_update: crl.nextUpdate?.toISOString(),
  expired_since: crl.known.expiredCertsOnCrl?.toISOString(),
  revoked: crl.revokedCount,
});

function coverageOf({ known }: CertificateList): "all" | "authorities" | "end-entities" {
  const point = known.issuingDistributionPoint;
  return point?.onlyContainsCaCerts ? "authorities" : point?.onlyContainsUserCerts ? "end-entities" : "all";
}

const headOf = (facts: ReturnType<typeof factsOf>, now: Date): string =>
  fields([
    ["issuer", facts.issuer],
    ["number", facts.crl_number],
    ["kind", facts.base_crl_number === undefined ? facts.kind : `${facts.kind}, from number ${facts.base_crl_number}`],
    ["covers", facts.covers],
    ["published", facts.published_at.join("\n")],
    ["issued", dateWithDistance(facts.this_update, now)],
    ["next", dateWithDistance(facts.next_update, now)],
    ["keeps", facts.expired_since && `certificates expired since ${date(facts.expired_since)}`],
    ["revoked", String(facts.revoked)],
  ]);
