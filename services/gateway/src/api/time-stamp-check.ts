import { z } from "zod";
import { Brought, MAX_BROUGHT, Octets } from "./brought.ts";
import { Timestamp } from "./fields.ts";
import { Digest, HashAlgorithm, Nonce, PolicyOid } from "./tsa.ts";

/** Base64 of up to 72 KiB, which a token with all its certificates does not reach. */
const MAX_TOKEN_CHARACTERS = 96 * 1024;

/** What is asked about a time stamp, and what it is to be judged by beside what the suite knows. */
export const TimestampCheckQuestion = z
  .strictObject({
    token: Octets.min(1)
      .max(MAX_TOKEN_CHARACTERS)
      .describe("TimeStampToken or TimeStampResp of any authority, base64 of DER"),
    hash_algorithm: HashAlgorithm.optional().describe("Of `digest`"),
    digest: Digest.optional().describe("Of what was stamped, hex"),
    data: Octets.optional().describe("What was stamped itself, base64; instead of `digest`"),
    document: z.string().optional().describe("What was stamped, as text: its UTF-8 octets; instead of `digest`"),
    nonce: Nonce.optional().describe("The request's, unsigned, hex; not compared when absent"),
    policies: z
      .array(PolicyOid)
      .max(MAX_BROUGHT)
      .optional()
      .describe("One of which the token must name; any when absent"),
    ...Brought,
    require_revocation: z.boolean().optional().describe("Whether unknown revocation is a failure; false when absent"),
  })
  .refine(({ digest, data, document }) => [digest, data, document].filter((each) => each !== undefined).length === 1, {
    message: "one of digest, data and document says what was stamped",
  })
  .refine(({ digest, hash_algorithm }) => (digest === undefined) === (hash_algorithm === undefined), {
    message: "hash_algorithm goes with digest",
  })
  .meta({ id: "TimestampCheckQuestion" });
export type TimestampCheckQuestion = z.infer<typeof TimestampCheckQuestion>;

export const TimestampCheckAnswer = z
  .object({
    ok: z.boolean().describe("All checks hold"),
    gen_time: Timestamp.optional().describe("As the token says, true or not"),
    serial_number: z.string().optional(),
    policy: z.string().optional(),
    signer: z.string().optional().describe("The certificate whose key signed, PEM; absent when it was not found"),
    checks: z.array(
      z.object({
        name: z.string().describe("From a fixed list: signature, message-imprint, path, ..."),
        ok: z.boolean(),
        reason: z.string().optional().describe("Why not; absent when ok"),
      }),
    ),
  })
  .meta({ id: "TimestampCheckAnswer" });
export type TimestampCheckAnswer = z.infer<typeof TimestampCheckAnswer>;
