import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pemEncode } from "@vcc-pki/x509";
import type { TsaHarness } from "./harness.ts";

export const QUERY_TYPE = "application/timestamp-query";

/** Posts octets as they are. */
export async function post(
  url: string,
  body: Uint8Array,
  { path = "/tsa", type = QUERY_TYPE }: { readonly path?: string; readonly type?: string } = {},
): Promise<{ readonly status: number; readonly type: string | null; readonly body: Buffer }> {
  const headers: Record<string, string> = type === "" ? {} : { "content-type": type };
  const response = await fetch(`${url}${path}`, { method: "POST", headers, body: new Uint8Array(body) });
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    body: Buffer.from(await response.arrayBuffer()),
  };
}

/** OpenSSL as a client of ours, with files of its own. */
export class OpensslClient {
  readonly #directory = mkdtempSync(join(tmpdir(), "tsa-openssl-"));

  /** A TimeStampReq for this text, by `openssl ts -query`. */
  query(text: string, ...options: string[]): Buffer {
    writeFileSync(this.#at("data"), text);
    return execFileSync("openssl", ["ts", "-query", "-data", this.#at("data"), ...options], { stdio: "pipe" });
  }

  /** What `openssl ts -verify` says of a response to the question, with the time of the harness. */
  async verify(tsa: TsaHarness, queryDer: Uint8Array, responseDer: Uint8Array): Promise<string> {
    writeFileSync(this.#at("query"), queryDer);
    writeFileSync(this.#at("response"), responseDer);
    writeFileSync(this.#at("root"), pemEncode("CERTIFICATE", (await tsa.root()).der));
    const { certificates } = await tsa.as("gateway").getCertificate({ unit: "" });
    const chains = certificates.flatMap(({ chainDer }) => chainDer);
    writeFileSync(this.#at("chain"), chains.map((der) => pemEncode("CERTIFICATE", der)).join(""));
    const at = String(Math.floor(tsa.clock.now().getTime() / 1_000));
    const files = ["-queryfile", this.#at("query"), "-in", this.#at("response")];
    const trust = ["-CAfile", this.#at("root"), "-untrusted", this.#at("chain"), "-attime", at, "-x509_strict"];
    const { stdout, stderr } = spawnSync("openssl", ["ts", "-verify", ...files, ...trust], { encoding: "utf8" });
    return stdout.includes("Verification: OK") ? "OK" : stderr;
  }

  /** What `openssl cms -verify` says of the token in a response. */
  async verifyCms(tsa: TsaHarness, responseDer: Uint8Array): Promise<string> {
    writeFileSync(this.#at("response"), responseDer);
    writeFileSync(this.#at("root"), pemEncode("CERTIFICATE", (await tsa.root()).der));
    const token = ["-in", this.#at("response"), "-token_out", "-out", this.#at("token")];
    execFileSync("openssl", ["ts", "-reply", ...token], { stdio: "pipe" });
    const at = String(Math.floor(tsa.clock.now().getTime() / 1_000));
    const trust = ["-CAfile", this.#at("root"), "-attime", at, "-purpose", "timestampsign", "-x509_strict"];
    const words = ["cms", "-verify", "-inform", "DER", "-in", this.#at("token"), "-out", this.#at("content"), ...trust];
    const { stderr } = spawnSync("openssl", words, { encoding: "utf8" });
    return stderr.includes("CMS Verification successful") ? "OK" : stderr;
  }

  /** `openssl ts -reply -text`. */
  show(responseDer: Uint8Array): string {
    writeFileSync(this.#at("response"), responseDer);
    return execFileSync("openssl", ["ts", "-reply", "-in", this.#at("response"), "-text"], {
      encoding: "utf8",
      stdio: "pipe",
    });
  }

  close(): void {
    rmSync(this.#directory, { recursive: true });
  }

  #at(name: string): string {
    return join(this.#directory, name);
  }
}
