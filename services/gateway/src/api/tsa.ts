import { z } from "zod";
import { Timestamp } from "./fields.ts";

/** Which algorithms are taken is the tsa's to say. */
export const HashAlgorithm = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/, "a hash algorithm")
  .describe("sha256, sha384, sha512, sha3-256, sha3-384 or sha3-512");
export const Digest = z
  .string()
  .regex(/^([0-9a-fA-F]{2}){1,64}$/, "a digest in hex")
  .describe("Hex");
export const PolicyOid = z
  .string()
  .regex(/^[0-2](\.(0|[1-9]\d{0,9})){1,31}$/, "an object identifier, dotted")
  .describe("Object identifier, dotted; the unit's first policy when absent");
export const Nonce = z.string().regex(/^([0-9a-fA-F]{2}){1,64}$/, "a nonce in hex");
const CertReq = z.boolean().describe("Whether tokens carry the unit's certificate; false when absent");

const UnitName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, "lower-case letters, digits and hyphens")
  .describe("Time-stamping unit");

export const TsaUnitQuery = z.strictObject({
  unit: UnitName.optional().describe("Time-stamping unit; the first that has the policy when absent"),
});

export const TsaCertificateQuery = z.strictObject({ unit: UnitName.optional().describe("All units when absent") });

export const TimestampQuestion = z
  .strictObject({
    hash_algorithm: HashAlgorithm,
    digest: Digest,
    policy: PolicyOid.optional(),
    nonce: Nonce.optional().describe("Unsigned integer in hex, big-endian"),
    cert_req: CertReq.optional(),
  })
  .meta({ id: "TimestampQuestion" });
export type TimestampQuestion = z.infer<typeof TimestampQuestion>;

export const TimestampToken = z
  .object({
    token: z.string().describe("TimeStampToken of RFC 3161, base64 of DER"),
    serial_number: z.string().describe("Hex, lower case"),
    gen_time: Timestamp,
    policy: z.string(),
    unit: z.string(),
    hash_algorithm: z.string(),
    digest: z.string().describe("Hex, lower case"),
    test: z.boolean().describe("True: the clock was not proven, or the unit is for trying out. Worth nothing"),
  })
  .meta({ id: "TimestampToken" });
export type TimestampToken = z.infer<typeof TimestampToken>;

export const TokenParams = z.strictObject({
  serial_number: z.string().regex(/^([0-9a-f]{2}){1,21}$/, "a serial number in lower-case hex"),
});

export const TokenListQuery = z.strictObject({
  digest: Digest,
  page_size: z.coerce.number().int().min(1).max(1_000).optional().describe("100 when absent"),
  page_token: z
    .string()
    .regex(/^\d{1,15}$/, "a page token")
    .optional(),
});

export const TokenList = z
  .object({ tokens: z.array(TimestampToken).describe("Newest first"), next_page_token: z.string().optional() })
  .meta({ id: "TimestampTokenList" });

export const BULK_MODES = ["single", "merkle"] as const;
export const MAX_BULK_DIGESTS = 10_000;

export const BulkTimestampQuestion = z
  .strictObject({
    mode: z
      .enum(BULK_MODES)
      .describe("single: a token for each digest. merkle: one token over the root of a tree, and a proof for each"),
    hash_algorithm: HashAlgorithm,
    digests: z.array(Digest).min(1).max(MAX_BULK_DIGESTS),
    policy: PolicyOid.optional(),
    cert_req: CertReq.optional(),
  })
  .meta({ id: "BulkTimestampQuestion" });
export type BulkTimestampQuestion = z.infer<typeof BulkTimestampQuestion>;

const index = z.int().describe("Place of the digest in the request");

const StampedItem = z.object({ index, token: TimestampToken });
const RefusedItem = z.object({
  index,
  refusal: z.object({
    code: z.string().describe("As in a problem"),
    fail_info: z.string().describe("PKIFailureInfo by its name in RFC 3161 section 2.4.2"),
    detail: z.string(),
  }),
});
const ProvenItem = z.object({
  index,
  proof: z
    .object({
      leaf_index: z.int(),
      tree_size: z.int(),
      path: z.array(z.string()).describe("Hex, from the leaf's sibling to the root's child"),
    })
    .describe("RFC 6962 section 2.1.1, SHA-256; the leaves are the digests in their order"),
});

export const BulkTimestampItem = z.union([StampedItem, RefusedItem, ProvenItem]);
export type BulkTimestampItem = z.infer<typeof BulkTimestampItem>;

export const BulkTimestampAnswer = z
  .object({
    root: TimestampToken.optional().describe("merkle: the token over the root"),
    items: z.array(BulkTimestampItem).describe("In the order of the digests"),
  })
  .meta({ id: "BulkTimestampAnswer" });
export type BulkTimestampAnswer = z.infer<typeof BulkTimestampAnswer>;

const unavailable = z.string().optional();

const TsaClock = z.object({
  unavailable: unavailable.describe("Why the time is not proven; absent when it is"),
  unproven: z.boolean().describe("True: development mode, nothing is proven"),
  evidence_id: z.string().optional(),
  evidence_taken_at: Timestamp.optional(),
  offset_ms: z.number().describe("Of the local clock from true time"),
  error_ms: z.number().describe("How far the offset may be wrong"),
});

const TsaUnit = z.object({
  unit: z.string(),
  policies: z.array(z.string()),
  key_algorithm: z.string(),
  accuracy_ms: z.int(),
  test: z.boolean(),
  unavailable: unavailable.describe("Why it does not sign; absent when it does"),
  signs_until: Timestamp.optional(),
  expires_at: Timestamp.optional(),
});

export const TsaStatus = z
  .object({
    replica: z.string(),
    clock: TsaClock,
    units: z.array(TsaUnit),
    tokens: z.int().describe("Tokens in the log"),
  })
  .meta({ id: "TsaStatus" });
export type TsaStatus = z.infer<typeof TsaStatus>;
