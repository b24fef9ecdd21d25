import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import type { HashAlgorithm } from "@vcc-pki/x509";
import { reasonOf } from "./files.ts";
import type { Output } from "./session.ts";
import { UsageError } from "./usage.ts";

/** From so many octets on it takes long enough to say how far it is. */
const LONG_OCTETS = 256 * 1024 * 1024;
const CHUNK_OCTETS = 1024 * 1024;

/** The digest of a file of any length, of which no more than a chunk is in memory. Throws UsageError when it cannot be read. */
export async function hashFile(file: string, algorithm: HashAlgorithm, output: Output): Promise<Buffer> {
  try {
    const { size } = statSync(file);
    const hash = createHash(algorithm);
    let done = 0;
    const work = async () => {
      for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_OCTETS })) {
        hash.update(chunk as Buffer);
        done += (chunk as Buffer).length;
      }
      return hash.digest();
    };
    if (size < LONG_OCTETS) return await work();
    return await output.during(`hashing ${file}`, work(), () => `${Math.floor((100 * done) / size)} %`);
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${reasonOf(error)}`, { cause: error });
  }
}
