import type { ErrorCode } from "./codes.ts";

export interface PkiErrorOptions {
  /** What went wrong underneath. Logged where the error stops; never leaves the process. */
  readonly cause?: unknown;
  /** Facts a caller can act on, e.g. `{ approvalId }`. Crosses the wire: no key material, no personal data. */
  readonly details?: Readonly<Record<string, string>>;
}

/** The one error of the suite. `code` is the contract, `message` is for the caller. Anything else that is thrown is a
 *  programmer's error and reaches callers as INTERNAL with a trace id. */
export class PkiError extends Error {
  override readonly name = "PkiError";
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, options: PkiErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** A PkiError as it is; anything else as INTERNAL, with the original kept as its cause. */
export function toPkiError(error: unknown): PkiError {
  return error instanceof PkiError ? error : new PkiError("INTERNAL", "internal error", { cause: error });
}
