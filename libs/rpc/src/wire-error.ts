import { ERRORS, type ErrorCode, GRPC_STATUS, isErrorCode, PkiError } from "@vcc-pki/errors";

/** A PkiError as it crosses the wire: gRPC status, message, and the trailers `error-code` and `error-details` (JSON). */
export interface WireError {
  readonly status: number;
  readonly message: string;
  readonly trailers: Readonly<Record<string, string>>;
}

const MAX_MESSAGE_LENGTH = 1_000;
const MAX_DETAILS_LENGTH = 4_000;

export function toWireError(error: PkiError): WireError {
  const trailers: Record<string, string> = { "error-code": error.code };
  const details = asciiJson(error.details);
  if (details !== "{}" && details.length <= MAX_DETAILS_LENGTH) trailers["error-details"] = details;
  return { status: ERRORS[error.code].grpc, message: headerText(error.message), trailers };
}

/** The PkiError a peer threw. Without `error-code` no handler spoke, but gRPC itself, whose words may name addresses and stay
 *  inside as the cause. */
export function fromWireError(error: WireError, cause?: unknown): PkiError {
  const code = error.trailers["error-code"];
  if (code === undefined) {
    const [transportCode, message] = TRANSPORT_ERRORS[error.status] ?? UNAVAILABLE;
    return new PkiError(transportCode, message, { cause });
  }
  if (!isErrorCode(code)) return new PkiError("INTERNAL", error.message, { details: { unknownCode: code }, cause });
  return new PkiError(code, error.message, { details: parseDetails(error.trailers["error-details"]), cause });
}

type TransportError = readonly [ErrorCode, string];

const UNAVAILABLE: TransportError = ["PEER_UNAVAILABLE", "a service is not available"];

const TRANSPORT_ERRORS: Readonly<Record<number, TransportError>> = {
  [GRPC_STATUS.DEADLINE_EXCEEDED]: ["DEADLINE_EXCEEDED", "a service did not answer in time"],
  [GRPC_STATUS.RESOURCE_EXHAUSTED]: ["REQUEST_TOO_LARGE", "a message is too large"],
  [GRPC_STATUS.UNIMPLEMENTED]: ["METHOD_UNKNOWN", "there is no such method"],
};

function parseDetails(text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  try {
    const entries = Object.entries(JSON.parse(text) as object);
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  } catch {
    return {};
  }
}

/** grpc-message is percent-encoded UTF-8, which a lone surrogate has none of. */
const headerText = (text: string): string => text.slice(0, MAX_MESSAGE_LENGTH).toWellFormed();

/** Header values are ASCII; JSON can say everything in it. */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
