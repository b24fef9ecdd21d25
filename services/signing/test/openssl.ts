import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pemEncode } from "@vcc-pki/x509";
import type { SigningHarness } from "./harness.ts";

/** Files as a relying party has them, and the tools he has anyway. */
export class RelyingParty {
  readonly #directory = mkdtempSync(join(tmpdir(), "relying-"));
  readonly #harness: SigningHarness;

  constructor(harness: SigningHarness) {
    this.#harness = harness;
  }

  write(path: string, content: Uint8Array | string): void {
    const file = join(this.#directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  /** What `openssl cms -verify -cades` says of a detached signature over a file; "OK" or its complaint. */
  async verify(path: string, signedDataDer: Uint8Array): Promise<string> {
    const at = String(Math.floor(this.#harness.clock.now().getTime() / 1_000));
    this.write("root.pem", pemEncode("CERTIFICATE", (await this.#harness.tsa.root()).der));
    this.write("signature.p7s", signedDataDer);
    const input = ["-inform", "DER", "-in", "signature.p7s", "-content", path, "-out", "content", "-binary"];
    const trust = ["-CAfile", "root.pem", "-attime", at, "-purpose", "any", "-x509_strict"];
    const { stderr } = this.#run("openssl", ["cms", "-verify", "-cades", ...input, ...trust]);
    return stderr.includes("CAdES Verification successful") || stderr.includes("CMS Verification successful")
      ? "OK"
      : stderr;
  }

  /** Exit code of `sha256sum -c --strict`. */
  sha256sum(path: string): number | null {
    return this.#run("sha256sum", ["-c", "--strict", "--quiet", path]).status;
  }

  close(): void {
    rmSync(this.#directory, { recursive: true });
  }

  #run(command: string, words: readonly string[]) {
    return spawnSync(command, words, { cwd: this.#directory, encoding: "utf8" });
  }
}
