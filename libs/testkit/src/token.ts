import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestToken {
  /** libsofthsm2.so */
  readonly modulePath: string;
  readonly tokenLabel: string;
  readonly pinFile: string;
  /** For SOFTHSM2_CONF. */
  readonly confPath: string;
  /** Removes the token with all its keys. */
  destroy(): void;
}

const MODULES = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];
const PIN = "2718-2818";

/** A fresh SoftHSM token in a directory of its own, initialised by `softhsm2-util`. */
export function createTestToken(tokenLabel = "vcc-pki-test"): TestToken {
  const modulePath = MODULES.find((path) => existsSync(path));
  if (!modulePath) throw new Error("SoftHSM is not installed: apt-get install softhsm2");
  const directory = mkdtempSync(join(tmpdir(), "vcc-token-"));
  const confPath = join(directory, "softhsm2.conf");
  const pinFile = join(directory, "pin");
  mkdirSync(join(directory, "tokens"), { mode: 0o700 });
  writeFileSync(
    confPath,
    `directories.tokendir = ${join(directory, "tokens")}\nobjectstore.backend = file\nlog.level = ERROR\n`,
  );
  writeFileSync(pinFile, `${PIN}\n`);
  chmodSync(pinFile, 0o600);
  execFileSync(
    "softhsm2-util",
    ["--init-token", "--free", "--label", tokenLabel, "--pin", PIN, "--so-pin", `so-${PIN}`],
    {
      env: { ...process.env, SOFTHSM2_CONF: confPath },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  return {
    ...{ modulePath, tokenLabel, pinFile, confPath },
    destroy: () => rmSync(directory, { recursive: true, force: true }),
  };
}
