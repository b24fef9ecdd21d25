import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestHierarchy, type IssuedTestCertificate, type TestAuthority } from "@vcc-pki/testkit/hierarchy";
import { systemClock } from "@vcc-pki/time";
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  buildTbsCertList,
  type Certificate,
  crlDistributionPoints,
  crlNumber,
  deltaCrlIndicator,
  freshestCrl,
  issuingDistributionPoint,
  OID,
  ocspNoCheck,
  pemEncode,
  type RevokedCertificate,
  sha1KeyIdentifier,
} from "@vcc-pki/x509";

const HOUR_MS = 3_600_000;

/** An authority whose status OpenSSL's responder knows and whose files lie on a web server: everything that a relying party asks, and
 *  nothing of it ours but the encoding. */
export async function newAuthorityAtWork() {
  const hierarchy = createTestHierarchy({ clock: systemClock });
  const { issuing } = hierarchy;
  const files = new Map<string, Uint8Array>();
  const web = createServer((request, response) => {
    const file = files.get(request.url ?? "");
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  const ocspPort = await freePort();
  const ocspUrl = `http://127.0.0.1:${ocspPort}`;
  const [crlUrl, deltaUrl] = [`${origin}/0.crl`, `${origin}/0-delta.crl`];
  files.set("/issuing.cer", issuing.certificate.der);

  return {
    ...{ hierarchy, issuing, files, origin, ocspUrl, crlUrl },
    issue: (ocsp: string = ocspUrl): IssuedTestCertificate =>
      issuing.issue({
        extensions: [
          authorityInfoAccess({ ocsp: [ocsp], caIssuers: [`${origin}/issuing.cer`] }),
          crlDistributionPoints([crlUrl]),
          freshestCrl([deltaUrl]),
        ],
      }),
    /** Starts a responder that a given authority certified, over a list of what was issued. Resolves to what ends it. */
    respond: (issued: readonly Entry[], responderOf: TestAuthority = issuing) =>
      startOpenssl(issuing, responderOf, issued, ocspPort),
    /** Publishes a list, issued `ageMs` ago and valid for an hour. */
    publish(revoked: readonly RevokedCertificate[], options: PublishOptions = {}): void {
      const { number = 1, base, ageMs = 0, url = crlUrl, signer = issuing } = options;
      const at = systemClock.now().getTime() - ageMs;
      const tbs = buildTbsCertList({
        ...{ signatureAlgorithm: "ecdsa-p256-sha256", issuer: issuing.certificate.subject, revoked },
        ...{ thisUpdate: new Date(at), nextUpdate: new Date(at + HOUR_MS) },
        extensions: [
          authorityKeyIdentifier(sha1KeyIdentifier(issuing.spkiDer)),
          crlNumber(number),
          issuingDistributionPoint({ urls: [url] }),
          ...(base === undefined ? [] : [deltaCrlIndicator(base)]),
        ],
      });
      files.set(base === undefined ? "/0.crl" : "/0-delta.crl", signer.sign(tbs));
    },
    close: () => web.close(),
  };
}

interface PublishOptions {
  readonly number?: number;
  /** Of a delta. */
  readonly base?: number;
  readonly ageMs?: number;
  /** In the IDP. */
  readonly url?: string;
  readonly signer?: TestAuthority;
}

export interface Entry {
  readonly certificate: Certificate;
  readonly revoked?: string;
}

async function startOpenssl(ca: TestAuthority, responderOf: TestAuthority, issued: readonly Entry[], port: number) {
  const directory = mkdtempSync(join(tmpdir(), "cli-ocsp-"));
  const file = (name: string, content: string): string => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  const responder = responderOf.issue({ extendedKeyUsages: [OID.ocspSigning], extensions: [ocspNoCheck()] });
  const words = [
    ...["-port", String(port), "-index", file("index.txt", issued.map(indexLine).join(""))],
    ...["-CA", file("ca.pem", pemEncode("CERTIFICATE", ca.certificate.der)), "-nmin", "10"],
    ...["-rsigner", file("responder.pem", pemEncode("CERTIFICATE", responder.certificate.der))],
    ...["-rkey", file("responder-key.pem", responder.keyPem)],
  ];
  const child = spawn("openssl", ["ocsp", ...words], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const ready = new Promise<void>((resolve) => child.stderr.on("data", () => resolve()));
  await Promise.race([ready, ended]);
  return async () => {
    child.kill("SIGKILL");
    await ended;
  };
}

/** The index of `openssl ca`: state, end, revocation, serial number, file, subject. */
function indexLine({ certificate, revoked }: Entry): string {
  const when = (date: Date) => `${date.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`;
  const revocation = revoked === undefined ? "" : `${when(systemClock.now())},${revoked}`;
  const state = revoked === undefined ? "V" : "R";
  const serial = certificate.serialHex.toUpperCase();
  return `${[state, when(certificate.notAfter), revocation, serial, "unknown", "/CN=x"].join("\t")}\n`;
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createTcpServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
