import { createPrivateKey, X509Certificate } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { PkiError } from "@vcc-pki/errors";
import { pemDecode } from "@vcc-pki/x509";
import type { IdentityMaterial } from "./identity.ts";

/** The files of an identity: PKCS#8 key, certificate chain leaf first, and trusted roots. */
export const IDENTITY_FILES = { key: "key.pem", chain: "chain.pem", trust: "trust.pem" } as const;

const NEW = ".new";

/** Reads and cross-checks the files of an identity. Throws CONFIG_INVALID. */
export function readIdentity(dir: string): IdentityMaterial {
  completeInterruptedWrite(dir);
  const material = {
    keyPem: readKey(join(dir, IDENTITY_FILES.key)),
    chainPem: read(join(dir, IDENTITY_FILES.chain)),
    trustPem: read(join(dir, IDENTITY_FILES.trust)),
  };
  requireAgreement(dir, material);
  return material;
}

/** The key is the leaf's, each certificate is signed by the next, and the last by one of the roots. */
function requireAgreement(dir: string, { keyPem, chainPem, trustPem }: IdentityMaterial): void {
  try {
    const chain = certificates(chainPem);
    const roots = certificates(trustPem);
    if (!chain[0]?.checkPrivateKey(createPrivateKey(keyPem))) throw new Error("the key is not the certificate's");
    for (const [index, certificate] of chain.entries()) {
      const next = chain[index + 1];
      const issuers = next ? [next] : roots;
      if (!issuers.some((issuer) => isIssuedBy(certificate, issuer))) throw new Error("the chain is broken");
    }
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `key, chain and roots for ${dir} do not belong together`, { cause });
  }
}

const certificates = (pem: string): X509Certificate[] =>
  pemDecode(pem, "CERTIFICATE").map((der) => new X509Certificate(der));

const isIssuedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

function readKey(file: string): string {
  const pem = read(file);
  if ((statSync(file).mode & 0o077) !== 0) {
    throw new PkiError("CONFIG_INVALID", `${file} can be read by others: chmod 600`);
  }
  return pem;
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `cannot read ${file}`, { cause });
  }
}

/** Replaces key and chain (trust when it differs) so that a crash at any point leaves a usable identity: everything is on the disk
 *  under another name before the key is renamed, and a chain left waiting for its key is completed by `readIdentity`. Throws
 *  CONFIG_INVALID, and changes nothing, when the parts do not belong together. */
export function writeIdentity(dir: string, material: IdentityMaterial): void {
  requireAgreement(dir, material);
  const file = (name: string) => join(dir, name);
  const { key, chain, trust } = IDENTITY_FILES;
  writeSynced(file(chain + NEW), material.chainPem, 0o644);
  writeSynced(file(trust + NEW), material.trustPem, 0o644);
  writeSynced(file(key + NEW), material.keyPem, 0o600);
  syncDirectory(dir);
  renameSync(file(trust + NEW), file(trust));
  renameSync(file(key + NEW), file(key));
  renameSync(file(chain + NEW), file(chain));
  syncDirectory(dir);
}

/** A new chain whose key is already in place was about to be renamed, too. */
function completeInterruptedWrite(dir: string): void {
  const { key, chain } = IDENTITY_FILES;
  if (!existsSync(join(dir, chain + NEW)) || existsSync(join(dir, key + NEW))) return;
  const fits = chainFitsKey(read(join(dir, chain + NEW)), read(join(dir, key)));
  if (fits) renameSync(join(dir, chain + NEW), join(dir, chain));
}

function chainFitsKey(chainPem: string, keyPem: string): boolean {
  try {
    return certificates(chainPem)[0]?.checkPrivateKey(createPrivateKey(keyPem)) ?? false;
  } catch {
    return false;
  }
}

function writeSynced(path: string, content: string, mode: number): void {
  const file = openSync(path, "w", mode);
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncDirectory(dir: string): void {
  const handle = openSync(dir, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
