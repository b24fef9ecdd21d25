import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { PkiError } from "@vcc-pki/errors";
import type { Home } from "@vcc-pki/suite-tool";
import { readTranscript, type TranscriptEntry } from "./transcript.ts";

/** Reads a home's transcript and holds it against the home: the chain is whole, the ceremony has ended, the root that relying parties get is
 *  the one that was made, and the last hash is the one that was written down, if somebody has it. Throws NOT_FOUND,
 *  SIGNATURE_INVALID. */
export function verifyTranscript(home: Home, expectedHash?: string): readonly TranscriptEntry[] {
  const entries = getTranscript(home);
  const written = entries.find(({ facts }) => facts.step === "write-trust" && facts.rootSha256 !== undefined);
  if (!entries.some(({ event }) => event === "ceremony finished")) throw broken("the ceremony has not been finished");
  if (written === undefined) throw broken("the ceremony made no root");
  const root = new X509Certificate(readFileSync(home.trust.root));
  const rootSha256 = root.fingerprint256.replaceAll(":", "").toLowerCase();
  if (rootSha256 !== written.facts.rootSha256) throw broken(`${home.trust.root} is not the root of this ceremony`);
  if (expectedHash !== undefined && !entries.some(({ hash }) => hash === expectedHash)) {
    throw broken("the hash that was written down is not in it: this is another transcript");
  }
  return entries;
}

/** Throws NOT_FOUND when there is none, SIGNATURE_INVALID when its chain is broken. */
export function getTranscript({ ceremony, directory }: Home): readonly TranscriptEntry[] {
  if (!existsSync(ceremony.transcript)) throw new PkiError("NOT_FOUND", `${directory} has had no ceremony`);
  return readTranscript(ceremony.transcript);
}

const broken = (why: string): PkiError => new PkiError("SIGNATURE_INVALID", why);
