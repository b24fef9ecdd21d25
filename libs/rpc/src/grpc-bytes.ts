import { type Metadata, Metadata as MetadataClass } from "@grpc/grpc-js";

/** grpc-js carries our encoded messages as they are: encoding, decoding and their errors are ours. */
export const toBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A plain view, so that `bytes` fields of decoded messages are Uint8Array and not Buffer. */
export const toBytes = (buffer: Buffer): Uint8Array =>
  new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);

/** Text values of a metadata key. */
export const textValues = (metadata: Metadata, key: string): string[] =>
  metadata.get(key).filter((value) => typeof value === "string");

export function toMetadata(entries: Readonly<Record<string, string | undefined>>): Metadata {
  const metadata = new MetadataClass();
  for (const [key, value] of Object.entries(entries)) if (value !== undefined) metadata.set(key, value);
  return metadata;
}
