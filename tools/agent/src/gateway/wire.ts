import { isErrorCode } from "@vcc-pki/errors";
import { z } from "zod";

const Pem = z.string().max(256 * 1024);
const Moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** A certificate, as enrolment and renewal answer it. */
export const Enrolled = z.object({
  spiffe_id: z.string().max(300),
  certificate_id: z.string().max(300),
  serial_number: z.string().regex(/^([0-9a-f]{2}){1,20}$/),
  /** Leaf first, without the root. */
  chain_pem: Pem,
  bundle_pem: Pem,
  renew_at: Moment,
});
export type Enrolled = z.output<typeof Enrolled>;

/** A request that waits for an administrator. */
export const Requested = z.object({ request_id: z.string().max(200), secret: z.string().max(500) });
export type Requested = z.output<typeof Requested>;

/** RFC 9457, with the suite's code. */
export const Problem = z.object({ code: z.string().refine(isErrorCode), detail: z.string().default("") });
