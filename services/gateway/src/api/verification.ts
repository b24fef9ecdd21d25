import { z } from "zod";
import { Brought, MAX_BROUGHT, Octets } from "./brought.ts";
import { Timestamp } from "./fields.ts";
import { ArtefactDigest, FileDigests, HASH_AND_KEY_ALGORITHMS, HashB64, ShardOctets, SignerName } from "./signing.ts";

const oneOf = (...values: unknown[]): boolean => values.filter((value) => value !== undefined).length === 1;

/** Base64 of a megabyte. */
const MAX_CMS_CHARACTERS = 1_400_000;

/** Whether an artefact may be used. What is there comes from the caller, who has hashed it; it is never taken from what was signed. */
export const VerificationQuestion = z
  .strictObject({
    signature: Octets.min(1)
      .max(MAX_CMS_CHARACTERS)
      .optional()
      .describe("CMS SignedData, detached, base64 of DER: over `manifest`, or over what has `digest`"),
    manifest: z.string().min(1).optional().describe("SHA256SUMS, octet by octet as it was signed"),
    bundle: z.string().min(1).optional().describe("Sigstore bundle v0.3, JSON; instead of `signature`"),
    digest: ArtefactDigest.optional().describe("What is there: the artefact's digest"),
    shape: z.enum(["file", "directory"]).optional().describe("Of `files`; directory when absent"),
    files: FileDigests.optional().describe("What is there, file by file; instead of `digest`"),
    shard_octets: ShardOctets,
    policy: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,62}$/, "a policy's name")
      .optional()
      .describe("Of deploy/policies/verification.yaml; artefacts when absent"),
    expected: z
      .strictObject({
        name: z.string().min(1).max(256).optional(),
        version: z.string().min(1).max(128).optional(),
        base_model: ArtefactDigest.optional().describe("The model that an adapter is to be loaded onto"),
      })
      .optional(),
    issuers: z
      .array(ArtefactDigest)
      .max(MAX_BROUGHT)
      .optional()
      .describe("Keys of issuing authorities (SHA-256 of the SubjectPublicKeyInfo) believed beside the policy's"),
    ...Brought,
  })
  .refine(({ signature, bundle }) => oneOf(signature, bundle), { message: "one of signature and bundle vouches" })
  .refine(({ manifest, signature }) => manifest === undefined || signature !== undefined, {
    message: "manifest goes with signature",
  })
  .refine(({ digest, files }) => oneOf(digest, files), { message: "one of digest and files says what is there" })
  .refine(({ files, shape }) => shape === undefined || files !== undefined, { message: "shape goes with files" })
  .meta({ id: "VerificationQuestion" });
export type VerificationQuestion = z.infer<typeof VerificationQuestion>;

export const VerificationAnswer = z
  .object({
    ok: z.boolean().describe("All checks hold: the artefact may be used. What follows them is told of such alone"),
    checks: z.array(
      z.object({
        name: z.string().describe("From a fixed list: signature, time-stamp, path, resources-changed, recall, ..."),
        ok: z.boolean(),
        code: z.string().optional().describe("Stable; absent when it holds, as are the reasons"),
        reason: z.object({ en: z.string(), de: z.string() }).optional(),
        detail: z.string().optional().describe("For experts"),
      }),
    ),
    artefact_digest: z.string().optional(),
    type: z.string().optional().describe("Absent when the signer does not say, as are name, version and metadata"),
    name: z.string().optional(),
    version: z.string().optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
    signed_by: z.string().optional().describe("SPIFFE URI"),
    signed_at: Timestamp.optional().describe("Of the time stamp"),
    signature_id: z
      .string()
      .optional()
      .describe("Of a signature of the requester's organisation, in whose record this is counted"),
  })
  .meta({ id: "VerificationAnswer" });
export type VerificationAnswer = z.infer<typeof VerificationAnswer>;

/** ThemisDB's own words. */
export const HashToVerify = z
  .strictObject({
    hash_b64: HashB64,
    signature_b64: Octets.min(1).max(MAX_CMS_CHARACTERS).describe("As POST /api/v1/sign answers it"),
    service_id: SignerName.optional().describe("Who has to have signed; the requester itself when absent"),
    algorithm: z.enum(HASH_AND_KEY_ALGORITHMS).optional().describe("Not looked at: the signature says it"),
  })
  .meta({ id: "HashToVerify" });

export const VerifiedHash = z
  .object({ ok: z.boolean().describe("False for whatever does not hold; errors are never ok") })
  .meta({ id: "VerifiedHash" });
