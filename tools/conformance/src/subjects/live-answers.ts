import type { OcspHarness } from "@vcc-pki/ocsp/harness";
import {
  buildCertId,
  buildOcspRequest,
  CERT_ID_HASHES,
  type CertIdHash,
  type Certificate,
  type CertStatus,
  issuerHashes,
} from "@vcc-pki/x509";
import type { OcspSpecimen } from "../specimen.ts";
import type { SpecimenFiles } from "../specimen-files.ts";
import type { LiveCast } from "./live.ts";
import { issuersOf } from "./live-lists.ts";

const NEVER_ISSUED = Uint8Array.of(0x5a, ...new Uint8Array(18).fill(0xa5));
/** RFC 9654: from 1 to 128 octets, of which 32 are recommended. */
const NONCES = [1, 32, 128];

interface Subject {
  readonly what: string;
  readonly certificate: Certificate;
  readonly status: CertStatus["status"];
}

/** Asks the running service about certificates of every status, by GET and POST, both hashes, with nonces and without, and about
 *  several at once. */
export async function askEverything(suite: OcspHarness, files: SpecimenFiles, cast: LiveCast): Promise<OcspSpecimen[]> {
  const subjects: Subject[] = [
    { what: "good", certificate: first(cast.good), status: "good" },
    { what: "revoked", certificate: cast.revoked, status: "revoked" },
    { what: "revoked just now", certificate: cast.justRevoked, status: "revoked" },
    { what: "on hold", certificate: cast.held, status: "revoked" },
    { what: "released", certificate: cast.released, status: "good" },
    { what: "signer", certificate: cast.signer, status: "good" },
    { what: "revoked signer", certificate: cast.revokedSigner, status: "revoked" },
  ];
  const answers: Promise<OcspSpecimen>[] = [];
  for (const hash of CERT_ID_HASHES) {
    for (const subject of subjects) {
      for (const method of ["GET", "POST"] as const) answers.push(ask(suite, files, subject, { hash, method }));
      answers.push(ask(suite, files, subject, { hash, method: "POST", nonceOctets: 32 }));
    }
    const good = first(subjects);
    for (const nonceOctets of NONCES) answers.push(ask(suite, files, good, { hash, method: "GET", nonceOctets }));
    answers.push(ask(suite, files, good, { hash, method: "POST", more: cast.revoked }));
    answers.push(
      ask(
        suite,
        files,
        { ...good, what: "never issued", status: "unknown" },
        { hash, method: "POST", serial: NEVER_ISSUED },
      ),
    );
  }
  return Promise.all(answers);
}

interface Manner {
  readonly hash: CertIdHash;
  readonly method: "GET" | "POST";
  readonly nonceOctets?: number;
  /** Instead of the certificate's own. */
  readonly serial?: Uint8Array;
  /** Another certificate of the same authority, which is revoked; and with it a serial number that was never issued. */
  readonly more?: Certificate;
}

async function ask(suite: OcspHarness, files: SpecimenFiles, subject: Subject, manner: Manner): Promise<OcspSpecimen> {
  const { hash, method, nonceOctets, serial = subject.certificate.serial, more } = manner;
  const [issuer, root] = (await issuersOf(suite, subject.certificate)) as [Certificate, Certificate];
  const asked: OcspSpecimen["asked"] = [
    { serial, status: subject.status },
    ...(more
      ? [{ serial: more.serial, status: "revoked" } as const, { serial: NEVER_ISSUED, status: "unknown" } as const]
      : []),
  ];
  const label = `served answer, ${subject.what}, ${method} ${hash}${nonceOctets ? `, nonce of ${nonceOctets}` : ""}${more ? ", several" : ""}`;
  const certIds = asked.map((one) => buildCertId(issuerHashes(issuer)[hash], one.serial));
  const nonce = nonceOctets ? new Uint8Array(nonceOctets).fill(0x5e) : undefined;
  const der = await exchange(suite.url, method, buildOcspRequest(certIds, nonce));
  const object = (name: string, certificate: Certificate) => files.object(name, "certificate", certificate.der);
  return files.ocsp({
    ...{ label, object: files.object(label, "ocsp", der), hash, asked },
    issuer: object(`${label} issuer`, issuer),
    rootFile: object(`${label} root`, root).pemFile,
    subject: manner.serial === undefined ? object(`${label} subject`, subject.certificate) : undefined,
    algorithms: [issuer.keyAlgorithm],
  });
}

async function exchange(url: string, method: "GET" | "POST", question: Uint8Array): Promise<Uint8Array> {
  const headers = { "content-type": "application/ocsp-request" };
  const response =
    method === "POST"
      ? await fetch(`${url}/ocsp`, { method, headers, body: Buffer.from(question) })
      : await fetch(`${url}/ocsp/${encodeURIComponent(Buffer.from(question).toString("base64"))}`);
  if (response.status !== 200) throw new Error(`HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function first<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error("there is none");
  return item;
}
