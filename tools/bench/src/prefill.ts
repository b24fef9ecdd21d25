import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { searchTerms } from "@vcc-pki/ca/search";
import { CertificateTable } from "@vcc-pki/ca/store/certificates";
import { KeyTable } from "@vcc-pki/ca/store/keys";
import { NameIndex } from "@vcc-pki/ca/store/name-index";
import { RequestTable } from "@vcc-pki/ca/store/requests";
import { RevocationTable } from "@vcc-pki/ca/store/revocations";
import { StatusLog } from "@vcc-pki/ca/store/status-log";
import { openStore } from "@vcc-pki/store";
import { systemClock } from "@vcc-pki/time";
import {
  assembleSigned,
  buildExtension,
  buildTbsCertificate,
  type Certificate,
  OID,
  parseCertificate,
  serialToHex,
  subjectAltName,
} from "@vcc-pki/x509";

const MIGRATIONS = pathToFileURL(`${resolve(import.meta.dirname, "../../../services/ca/migrations")}/`);
const BATCH = 5_000;
const DAY_MS = 86_400_000;
const LIFE_MS = 180 * DAY_MS;
/** One certificate in so many is of the rare profile. */
const RARE_EVERY = 1_000;
export const RARE_PROFILE = "vcc_service_template";

export interface Prefill {
  readonly home: string;
  readonly count: number;
  readonly organisation: string;
  readonly authorityId: string;
  readonly profile: string;
  /** Time between two of them, the last of which is issued now; a certificate lives for 180 days. */
  readonly spacingMs: number;
  /** One in so many is revoked; undefined: none. */
  readonly revokedEvery: number | undefined;
  /** A certificate that was really issued: the others are like it, but for serial number, dates and name. */
  readonly pattern: Uint8Array;
  dnsNameOf(index: number): string;
  /** Called with each that is stored. */
  stored?(serial: Uint8Array, index: number): void;
}

/** Puts certificates into the database of a ca that is not running, through the ca's own tables: with names, request ids, keys,
 *  revocations and the log of all changes of status, as if each had been issued. Audit and events, which nobody here reads, are left
 *  out. */
export async function prefillCertificates(prefill: Prefill, progress: (count: number) => void): Promise<void> {
  const { home, count, spacingMs } = prefill;
  const [file, keyFile] = [join(home, "ca/ca.db"), join(home, "ca/db.key")];
  const store = openStore({ file, keyFile, migrations: MIGRATIONS, clock: systemClock });
  const names = new NameIndex(store.db);
  const tables = {
    certificates: new CertificateTable(store.db, names),
    keys: new KeyTable(store.db),
    requests: new RequestTable(store.db),
    revocations: new RevocationTable(store.db),
    statusLog: new StatusLog(store.db),
  };
  const pattern = parseCertificate(prefill.pattern);
  const firstMs = systemClock.now().getTime() - count * spacingMs;
  try {
    for (let from = 0; from < count; from += BATCH) {
      await store.write(() => {
        for (let i = from; i < Math.min(from + BATCH, count); i++) {
          insert(tables, prefill, pattern, i, new Date(firstMs + i * spacingMs));
        }
      });
      await names.storeAll(store);
      progress(Math.min(from + BATCH, count));
    }
  } finally {
    await store.close();
  }
}

interface Tables {
  readonly certificates: CertificateTable;
  readonly keys: KeyTable;
  readonly requests: RequestTable;
  readonly revocations: RevocationTable;
  readonly statusLog: StatusLog;
}

function insert(
  { certificates, keys, requests, revocations, statusLog }: Tables,
  { organisation, authorityId, profile, revokedEvery, dnsNameOf, stored }: Prefill,
  pattern: Certificate,
  index: number,
  issuedAt: Date,
): void {
  const serial = serialAt(issuedAt);
  const notAfter = new Date(issuedAt.getTime() + LIFE_MS - 1_000);
  const key = { organisation, authorityId, serial };
  const requester = "spiffe://vcc.internal/org/vcc/admin/operator";
  const tbsDer = buildTbsCertificate({
    ...{ serial, notAfter, notBefore: issuedAt, signatureAlgorithm: "ecdsa-p256-sha256" },
    ...{ issuer: pattern.issuer, subject: pattern.subject, spkiDer: pattern.spkiDer },
    extensions: extensionsOf(pattern, dnsNameOf(index)),
  });
  keys.claim(randomBytes(32), { organisation, purpose: "clientAuth+serverAuth" });
  requests.insert(
    { organisation, requester, requestId: `prefill-${String(index).padStart(9, "0")}`, contentSha256: randomBytes(32) },
    `${authorityId}:${serialToHex(serial)}`,
    issuedAt,
  );
  certificates.insert(
    {
      ...{ ...key, requester, issuedAt, notAfter, profileVersion: 1, crlShard: 0 },
      profile: index % RARE_EVERY === 0 ? RARE_PROFILE : profile,
      certificateDer: assembleSigned(tbsDer, "ecdsa-p256-sha256", pattern.signature),
    },
    searchTerms({ dns: [dnsNameOf(index)], ip: [], uri: [], email: [] }),
    notAfter > systemClock.now() ? notAfter : undefined,
  );
  statusLog.append("issued", key);
  stored?.(serial, index);
  if (revokedEvery !== undefined && index % revokedEvery === 0) {
    revocations.put({
      ...{ ...key, requester, crlShard: 0, revokedAt: issuedAt, listedUntil: notAfter, invalidityDate: undefined },
      ...{ reason: "superseded", sequence: statusLog.append("revoked", key).sequence },
    });
  }
}

/** The pattern's extensions, with another name. */
const extensionsOf = ({ extensions }: Certificate, dnsName: string): Uint8Array[] =>
  extensions.map(({ oid, critical, valueDer }) =>
    oid === OID.subjectAltName
      ? subjectAltName({ dns: [dnsName] }, critical)
      : buildExtension(oid, critical, (writer) => writer.raw(valueDer)),
  );

/** As services/ca/src/serial.ts lays it out: generation, milliseconds, counter, random. */
function serialAt(issuedAt: Date): Uint8Array {
  const serial = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0, 0, ...randomBytes(10)]);
  const view = new DataView(serial.buffer);
  view.setUint16(1, Math.floor(issuedAt.getTime() / 2 ** 32));
  view.setUint32(3, issuedAt.getTime() % 2 ** 32);
  return serial;
}
