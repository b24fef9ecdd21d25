import { z } from "zod";

const Moment = z.iso.datetime().transform((text) => new Date(text));
const SerialHex = z.string().regex(/^([0-9a-f]{2}){1,20}$/);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Something the gateway shall hear of, as `POST /api/v1/agent/report` takes it. */
export const Report = z.strictObject({
  kind: z.enum(["deployed", "served", "failed", "bundle_acknowledged"]),
  serial_number: SerialHex.optional(),
  endpoint: z.string().max(300).optional(),
  detail: z.string().max(500).optional(),
  /** Of the roots that the service has now. */
  anchors_sha256: z.array(Sha256).max(20).optional(),
  at: z.iso.datetime(),
});
export type Report = z.output<typeof Report>;

/** What the agent remembers of one identity, over restarts. */
export const State = z.strictObject({
  version: z.literal(1),
  /** The newest certificate that we have, deployed or not. */
  held: z
    .strictObject({
      serialHex: SerialHex,
      certificateId: z.string(),
      spiffeId: z.string(),
      notBefore: Moment,
      notAfter: Moment,
      /** When the next one is asked for. */
      renewAt: Moment,
    })
    .optional(),
  /** What the service's files hold. */
  deployed: z
    .strictObject({
      serialHex: SerialHex,
      bundle: Sha256,
      notAfter: Moment,
      /** Whether the service has taken it, and was seen serving it where that can be asked. */
      isTaken: z.boolean(),
    })
    .optional(),
  /** A request whose answer we do not have. Its key waits in the store; the same request id gets the same certificate. */
  pending: z
    .strictObject({
      requestId: z.uuid(),
      /** Set while administrators decide. */
      claim: z.strictObject({ id: z.string(), secret: z.string() }).optional(),
    })
    .optional(),
  /** SHA-256 of the bundle in the store, and of the one whose arrival in the service was reported. */
  bundle: Sha256.optional(),
  acknowledged: Sha256.optional(),
  /** When the bundle was last asked for. */
  bundleSeenAt: Moment.optional(),
  failures: z.int().min(0),
  nextAttemptAt: Moment.optional(),
  lastError: z.strictObject({ code: z.string(), message: z.string(), at: Moment }).optional(),
  /** Of the gateway's stream. */
  lastEventId: z.string().max(200).optional(),
  /** Not yet sent, oldest first. */
  reports: z.array(Report).max(100),
});
export type State = z.output<typeof State>;

export const EMPTY_STATE: State = { version: 1, failures: 0, reports: [] };

const REPORTS_KEPT = 100;

/** With these, too; while the gateway is away, the oldest make room. */
export const withReports = (waiting: readonly Report[], more: readonly Report[]): Report[] =>
  [...waiting, ...more].slice(-REPORTS_KEPT);
