import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  buildCertId,
  buildOcspRequest,
  type CertIdHash,
  type Certificate,
  issuerHashes,
  type OcspResponse,
  type ProvenStatus,
  parseOcspResponse,
  pemEncode,
  verifyOcspResponse,
} from "@vcc-pki/x509";

export interface AskOptions {
  readonly hash?: CertIdHash;
  readonly nonce?: Uint8Array;
  readonly method?: "GET" | "POST";
  /** Path; "/ocsp" unless given. */
  readonly path?: string;
}

/** Octets of a question about these serial numbers. */
export function question(issuer: Certificate, serials: readonly Uint8Array[], options: AskOptions = {}): Uint8Array {
  const hashes = issuerHashes(issuer)[options.hash ?? "sha1"];
  return buildOcspRequest(
    serials.map((serial) => buildCertId(hashes, serial)),
    options.nonce,
  );
}

/** Posts octets, whatever they are. */
export const post = (url: string, body: Uint8Array, contentType = "application/ocsp-request"): Promise<Response> =>
  fetch(url, { method: "POST", body: Buffer.from(body), headers: { "content-type": contentType } });

/** The base64 of a question as it stands in a path. */
export const inPath = (body: Uint8Array): string => encodeURIComponent(Buffer.from(body).toString("base64"));

/** Asks about one certificate and reads the answer, which is always status 200. */
export async function ask(
  base: string,
  issuer: Certificate,
  serial: Uint8Array,
  options: AskOptions = {},
): Promise<OcspResponse> {
  const { method = "POST", path = "/ocsp" } = options;
  const body = question(issuer, [serial], options);
  const response =
    method === "POST" ? await post(`${base}${path}`, body) : await fetch(`${base}${path}/${inPath(body)}`);
  if (response.status !== 200) throw new Error(`HTTP status ${response.status}`);
  return parseOcspResponse(new Uint8Array(await response.arrayBuffer()));
}

/** What the answer proves, at a moment by the clock of the test. */
export const prove = (response: OcspResponse, issuer: Certificate, serial: Uint8Array, at: Date): ProvenStatus =>
  verifyOcspResponse(response, { issuer, serial, at });

/** Command-line tools as second opinions, in a directory of their own. */
export function judges() {
  const directory = mkdtempSync(join(tmpdir(), "vcc-ocsp-judge-"));
  return {
    /** Runs the tool beside the event loop, which has to answer it. Resolves with what it prints, on both channels. */
    run: (command: string, ...words: string[]) =>
      new Promise<string>((resolve, reject) => {
        execFile(command, words, { cwd: directory }, (error, stdout, stderr) =>
          error ? reject(new Error(`${error.message}\n${stdout}\n${stderr}`)) : resolve(`${stdout}${stderr}`),
        );
      }),
    has(command: string): boolean {
      try {
        execFileSync("sh", ["-c", `command -v ${command}`]);
        return true;
      } catch {
        return false;
      }
    },
    file(name: string, content: string | Uint8Array): string {
      writeFileSync(join(directory, name), content);
      return name;
    },
    pem(name: string, ...certificates: readonly Certificate[]): string {
      return this.file(name, certificates.map(({ der }) => pemEncode("CERTIFICATE", der)).join(""));
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
}
