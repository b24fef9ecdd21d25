import { ERRORS, PkiError, toPkiError } from "@vcc-pki/errors";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import type { ApprovalPending, Problem } from "./api/problem.ts";

/** RFC 9457. INTERNAL says nothing but the trace id; what is underneath never leaves the process. */
export function toProblem(error: PkiError, traceId: string): Problem {
  const { code, details } = error;
  return {
    type: `urn:pki:error:${code}`,
    title: titleOf(code),
    status: ERRORS[code].http,
    detail: error.message,
    code,
    trace_id: traceId,
    ...(Object.keys(details).length > 0 ? { details: { ...details } } : {}),
  };
}

/** The answer 202: nothing is wrong, custodians have to decide first. */
export function toPending(error: PkiError): ApprovalPending {
  const approvalId = error.details.approvalId;
  if (approvalId === undefined) throw new Error("APPROVAL_REQUIRED without approvalId", { cause: error });
  return {
    status: "approval_required",
    approval_id: approvalId,
    status_url: approvalUrl(approvalId),
    detail: error.message,
  };
}

export const approvalUrl = (approvalId: string): string => `/api/v1/approvals/${encodeURIComponent(approvalId)}`;

/** What Fastify throws, in our words; a PkiError as it is; anything else INTERNAL. */
export function fromFastify(error: unknown): PkiError {
  if (error instanceof PkiError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) return fromValidation(error.validation);
  const status = statusOf(error);
  if (status === 413) return new PkiError("REQUEST_TOO_LARGE", "the request body is too large", { cause: error });
  if (status === 415) {
    return new PkiError("MEDIA_TYPE_NOT_SUPPORTED", "this resource does not take this content type", { cause: error });
  }
  if (status >= 400 && status < 500) return new PkiError("REQUEST_MALFORMED", "malformed request", { cause: error });
  return toPkiError(error);
}

const MAX_FINDINGS = 10;

/** Each finding under the JSON pointer of the field it is about. */
function fromValidation(findings: readonly { instancePath: string; message?: string }[]): PkiError {
  const details = Object.fromEntries(
    findings
      .slice(0, MAX_FINDINGS)
      .map(({ instancePath, message }) => [instancePath || "/", (message ?? "invalid").slice(0, 200)]),
  );
  return new PkiError("REQUEST_MALFORMED", "the request does not have the shape this resource takes", { details });
}

const statusOf = (error: unknown): number =>
  error instanceof Error && "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : 500;

/** "CSR_MALFORMED" reads "csr malformed". */
const titleOf = (code: string): string => code.toLowerCase().replaceAll("_", " ");
