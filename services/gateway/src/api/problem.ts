import { z } from "zod";

/** Every refusal and failure (RFC 9457, application/problem+json). `code` is the contract, `detail` is for people. */
export const Problem = z
  .object({
    type: z.string().describe("urn:pki:error:<code>"),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    trace_id: z.string().describe("Finds the request in logs and traces"),
    details: z.record(z.string(), z.string()).optional().describe("Facts to act on, by name"),
  })
  .meta({ id: "Problem" });
export type Problem = z.infer<typeof Problem>;

/** 202: the operation waits for custodians. The same request with the same Idempotency-Key yields the result afterwards. */
export const ApprovalPending = z
  .object({
    status: z.literal("approval_required"),
    approval_id: z.string(),
    status_url: z.string(),
    detail: z.string(),
  })
  .meta({ id: "ApprovalPending" });
export type ApprovalPending = z.infer<typeof ApprovalPending>;
