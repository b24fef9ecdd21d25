import { isUtf8 } from "node:buffer";
import { PkiError } from "@vcc-pki/errors";

/** Bits of one element, by the format's names for its types. */
const DTYPE_BITS = {
  ...{ BOOL: 8, U8: 8, I8: 8, U16: 16, I16: 16, U32: 32, I32: 32, U64: 64, I64: 64 },
  ...{ F16: 16, BF16: 16, F32: 32, F64: 64, C64: 64 },
  ...{ F8_E4M3: 8, F8_E5M2: 8, F8_E8M0: 8, F6_E2M3: 6, F6_E3M2: 6, F4: 4 },
} as const;

export type Dtype = keyof typeof DTYPE_BITS;

export interface Tensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** In the file; `end` is behind the last octet. */
  readonly start: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of their octets. */
  readonly tensors: readonly Tensor[];
  /** What the header calls `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
}

const LENGTH_OCTETS = 8;
/** The reference implementation's limit. */
const MAX_HEADER_OCTETS = 100_000_000;
const METADATA = "__metadata__";

/** Octets `start` to `end` of a file, all of them. */
export type ReadAt = (start: number, end: number) => Uint8Array;

/** Reads the header of a safetensors file of `size` octets: 8 octets with its length (little endian), JSON, then the tensors' octets, which it must
 *  cover wholly, without a gap and without overlap. Throws FILE_MALFORMED. */
export function readSafetensors(size: number, readAt: ReadAt): SafetensorsHeader {
  if (size < LENGTH_OCTETS) throw malformed("it is too short");
  const head = readAt(0, LENGTH_OCTETS);
  const length = new DataView(head.buffer, head.byteOffset, LENGTH_OCTETS).getBigUint64(0, true);
  const dataAt = LENGTH_OCTETS + Number(length);
  if (length > MAX_HEADER_OCTETS || dataAt > size) throw malformed(`its header cannot have ${length} octets`);
  const { [METADATA]: metadata = {}, ...tensors } = parseHeader(readAt(LENGTH_OCTETS, dataAt));
  const inOrder = Object.entries(tensors)
    .map(([name, entry]) => parseTensor(name, entry, dataAt))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  let covered = dataAt;
  for (const { name, start, end } of inOrder) {
    if (start !== covered)
      throw malformed(`tensor ${JSON.stringify(name)} does not begin where the one before it ends`);
    covered = end;
  }
  if (covered !== size) throw malformed(`the tensors end at octet ${covered}, the file at ${size}`);
  return { tensors: inOrder, metadata: parseMetadata(metadata) };
}

function parseHeader(octets: Uint8Array): Record<string, unknown> {
  if (octets[0] !== 0x7b || !isUtf8(octets)) throw malformed("its header is no JSON object");
  try {
    return JSON.parse(Buffer.from(octets).toString("utf8")) as Record<string, unknown>;
  } catch (cause) {
    throw malformed("its header is no JSON", cause);
  }
}

function parseTensor(name: string, entry: unknown, dataAt: number): Tensor {
  const { dtype, shape, data_offsets: offsets, ...unknown } = isRecord(entry) ? entry : {};
  const isComplete = isDtype(dtype) && isLengths(shape) && isLengths(offsets) && offsets.length === 2;
  if (!isComplete || Object.keys(unknown).length > 0)
    throw malformed(`tensor ${JSON.stringify(name)} is described wrongly`);
  const [start, end] = offsets as [number, number];
  const bits = shape.reduce((product, dimension) => product * BigInt(dimension), BigInt(DTYPE_BITS[dtype]));
  if (bits !== 8n * (BigInt(end) - BigInt(start))) {
    throw malformed(`tensor ${JSON.stringify(name)} has other octets than its type and shape need`);
  }
  return { name, dtype, shape, start: dataAt + start, end: dataAt + end };
}

function parseMetadata(metadata: unknown): Record<string, string> {
  if (isRecord(metadata) && Object.values(metadata).every((value) => typeof value === "string")) {
    return metadata as Record<string, string>;
  }
  throw malformed(`${METADATA} is no map of texts`);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isDtype = (value: unknown): value is Dtype => typeof value === "string" && Object.hasOwn(DTYPE_BITS, value);

const isLengths = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length >= 0);

const malformed = (reason: string, cause?: unknown): PkiError =>
  new PkiError("FILE_MALFORMED", `no safetensors file: ${reason}`, { cause });
