import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PkiError } from "@vcc-pki/errors";
import { naming, replace, syncDirectory, writeNew } from "./files/durable.ts";
import { EMPTY_STATE, State } from "./state.ts";

/** A key that waits for its certificate. */
export interface PendingKey {
  readonly keyPem: string;
  /** PKCS#10, PEM; sent again octet for octet. */
  readonly csrPem: string;
}

export interface HeldCertificate {
  readonly keyPem: string;
  /** Leaf first, without the root. */
  readonly chainPem: string;
}

/** One identity on the disk: `state.json`, `bundle.pem`, `pending/ID/` and `certificates/SERIAL/`, for the agent alone (0700, 0600). Everything
 *  but the state is written before the state that names it, and removed after. */
export interface IdentityStore {
  readonly directory: string;
  /** Throws CONFIG_INVALID when somebody else has written there. */
  read(): State;
  write(state: State): void;
  keepPending(requestId: string, pending: PendingKey): void;
  /** Undefined when it is lost: then the request is, too. */
  findPending(requestId: string): PendingKey | undefined;
  keepCertificate(serialHex: string, certificate: HeldCertificate): void;
  /** Throws CONFIG_INVALID when it is not there. */
  getCertificate(serialHex: string): HeldCertificate;
  keepBundle(bundlePem: string): void;
  findBundle(): string | undefined;
  /** Removes what `state` does not name. */
  tidy(state: State): void;
}

export const bundleHash = (bundlePem: string): string => createHash("sha256").update(bundlePem).digest("hex");

const PRIVATE = { mode: 0o600 };

export function openIdentityStore(directory: string): IdentityStore {
  const at = (...names: string[]): string => join(directory, ...names);
  return {
    directory,
    read: () => (existsSync(at("state.json")) ? parseState(at("state.json")) : EMPTY_STATE),
    write(state) {
      naming(directory, () => mkdirSync(directory, { recursive: true, mode: 0o700 }));
      replace(at("state.json"), `${JSON.stringify(state, null, 2)}\n`, PRIVATE);
    },
    keepPending: (requestId, { keyPem, csrPem }) =>
      writeWhole(at("pending"), requestId, { "key.pem": keyPem, "csr.pem": csrPem }),
    findPending(requestId) {
      const path = at("pending", requestId);
      if (!existsSync(join(path, "csr.pem"))) return undefined;
      return {
        keyPem: readFileSync(join(path, "key.pem"), "utf8"),
        csrPem: readFileSync(join(path, "csr.pem"), "utf8"),
      };
    },
    keepCertificate: (serialHex, { keyPem, chainPem }) =>
      writeWhole(at("certificates"), serialHex, { "key.pem": keyPem, "chain.pem": chainPem }),
    getCertificate: (serialHex) => readCertificate(at("certificates", serialHex)),
    keepBundle: (bundlePem) => replace(at("bundle.pem"), bundlePem, PRIVATE),
    findBundle: () => (existsSync(at("bundle.pem")) ? readFileSync(at("bundle.pem"), "utf8") : undefined),
    tidy({ held, deployed, pending }) {
      const serials = [held?.serialHex, deployed?.serialHex];
      removeOthers(at("certificates"), serials);
      removeOthers(at("pending"), [pending?.requestId]);
    },
  };
}

function parseState(file: string): State {
  try {
    return State.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `${file} is not what an agent writes`, { cause });
  }
}

function readCertificate(path: string): HeldCertificate {
  try {
    const read = (name: string): string => readFileSync(join(path, name), "utf8");
    return { keyPem: read("key.pem"), chainPem: read("chain.pem") };
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `${path} is gone`, { cause });
  }
}

/** A directory of files. What a crash left of an earlier attempt is written anew: no state names it yet. */
function writeWhole(parent: string, name: string, files: Readonly<Record<string, string>>): void {
  const path = join(parent, name);
  naming(path, () => {
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { recursive: true, mode: 0o700 });
    for (const [file, content] of Object.entries(files)) writeNew(join(path, file), content, PRIVATE);
  });
  syncDirectory(path);
  syncDirectory(parent);
}

function removeOthers(parent: string, kept: readonly (string | undefined)[]): void {
  if (!existsSync(parent)) return;
  naming(parent, () => {
    for (const name of readdirSync(parent)) {
      if (!kept.includes(name)) rmSync(join(parent, name), { recursive: true, force: true });
    }
  });
}
