import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  watch,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { PkiError } from "@vcc-pki/errors";
import type { IdentityMaterial, IdentitySource } from "@vcc-pki/rpc";
import type { Logger } from "@vcc-pki/telemetry";
import { pemDecode } from "@vcc-pki/x509";

const FILES = { keyPem: "key.pem", chainPem: "chain.pem", trustPem: "trust.pem" } as const;
const PENDING_KEY = "key.pem.next";

/** An identity kept in files that somebody may replace. */
export interface FileIdentity extends IdentitySource {
  /** Reads the files again; listeners are told when they have changed. Keeps the old identity when the new one is unusable. */
  reload(): void;
  close(): void;
}

/** Whether `directory` holds an identity. */
export const hasIdentity = (directory: string): boolean => existsSync(join(directory, FILES.chainPem));

/** Key, chain and trust from `directory`. Watches it, so that an operator may replace them by hand too. Throws CONFIG_INVALID when they
 *  are missing, do not belong together, or when the key is readable by others. */
export function fileIdentity(directory: string, log: Logger): FileIdentity {
  const listeners = new Set<() => void>();
  let current = readIdentity(directory);

  function reload(): void {
    let next: IdentityMaterial;
    try {
      next = readIdentity(directory);
    } catch (error) {
      log.warn("identity files are unusable, keeping the identity in use", { directory, error });
      return;
    }
    if (next.chainPem === current.chainPem && next.trustPem === current.trustPem) return;
    current = next;
    log.info("identity changed", { directory, notAfter: new X509Certificate(next.chainPem).validToDate });
    for (const listener of listeners) listener();
  }

  // A replacement is several renames; look when they are over.
  let settling: NodeJS.Timeout | undefined;
  const watcher = watch(directory, () => {
    clearTimeout(settling);
    settling = setTimeout(reload, 200).unref();
  }).unref();
  return {
    current: () => current,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reload,
    close() {
      clearTimeout(settling);
      watcher.close();
    },
  };
}

/** Replaces the identity so that a crash at any point leaves the old or the new one: the new key waits beside the old until the new chain is
 *  in place. Creates the directory (0700); the key is 0600. Throws CONFIG_INVALID, and changes nothing, for parts that do not
 *  belong together. */
export function writeIdentity(directory: string, identity: IdentityMaterial): void {
  requireAgreement(identity, directory);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const at = (name: string): string => join(directory, name);
  writeDurably(at(PENDING_KEY), identity.keyPem, 0o600);
  writeDurably(at(`${FILES.trustPem}.next`), identity.trustPem, 0o644);
  writeDurably(at(`${FILES.chainPem}.next`), identity.chainPem, 0o644);
  syncDirectory(directory);
  renameSync(at(`${FILES.trustPem}.next`), at(FILES.trustPem));
  renameSync(at(`${FILES.chainPem}.next`), at(FILES.chainPem));
  renameSync(at(PENDING_KEY), at(FILES.keyPem));
  syncDirectory(directory);
}

function readIdentity(directory: string): IdentityMaterial {
  try {
    finishInterrupted(directory);
    const read = (name: string): string => readFileSync(join(directory, name), "utf8");
    const material = { keyPem: read(FILES.keyPem), chainPem: read(FILES.chainPem), trustPem: read(FILES.trustPem) };
    requirePrivate(join(directory, FILES.keyPem));
    requireAgreement(material, directory);
    return material;
  } catch (cause) {
    if (cause instanceof PkiError && cause.code === "CONFIG_INVALID") throw cause;
    throw new PkiError("CONFIG_INVALID", `no usable identity in ${directory}`, { cause });
  }
}

/** A crash after the chain was renamed and before the key was: the key that waits is the right one. */
function finishInterrupted(directory: string): void {
  const pending = join(directory, PENDING_KEY);
  const chain = join(directory, FILES.chainPem);
  if (!existsSync(pending) || !existsSync(chain)) return;
  if (isKeyOf(readFileSync(pending, "utf8"), readFileSync(chain, "utf8"))) {
    renameSync(pending, join(directory, FILES.keyPem));
  }
}

function requirePrivate(keyFile: string): void {
  if ((statSync(keyFile).mode & 0o077) !== 0) {
    throw new PkiError("CONFIG_INVALID", `${keyFile} is open to others: chmod 600 it`);
  }
}

/** The key is the leaf's, each certificate is signed by the next, and the last by a root we trust. */
function requireAgreement({ keyPem, chainPem, trustPem }: IdentityMaterial, directory: string): void {
  const disagree = (what: string) => new PkiError("CONFIG_INVALID", `identity for ${directory}: ${what}`);
  if (!isKeyOf(keyPem, chainPem)) throw disagree("key.pem is not the key of chain.pem");
  const chain = certificates(chainPem);
  const roots = certificates(trustPem);
  for (const [index, certificate] of chain.entries()) {
    const next = chain[index + 1];
    const issuers = next ? [next] : roots;
    if (!issuers.some((issuer) => isIssuedBy(certificate, issuer)))
      throw disagree("chain.pem does not lead to trust.pem");
  }
}

function isKeyOf(keyPem: string, chainPem: string): boolean {
  try {
    return new X509Certificate(chainPem).checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false; // cut short, or not a key at all
  }
}

const certificates = (pem: string): X509Certificate[] =>
  pemDecode(pem, "CERTIFICATE").map((der) => new X509Certificate(der));

const isIssuedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

function writeDurably(file: string, text: string, mode: number): void {
  const descriptor = openSync(file, "w", mode);
  try {
    chmodSync(file, mode);
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}
