export { ERRORS, type ErrorCode, type ErrorRow, GRPC_STATUS, isErrorCode } from "./codes.ts";
export { PkiError, type PkiErrorOptions, toPkiError } from "./pki-error.ts";
