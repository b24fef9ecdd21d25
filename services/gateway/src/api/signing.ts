import { z } from "zod";
import { Scope, Timestamp } from "./fields.ts";

export const SignerName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "lower-case letters, digits and hyphens")
  .describe("A service of the organisation in whose name is signed");

/** Artefact types as paths have them: "lora-adapter". Which of them there are is the signing service's to say. */
const ArtefactType = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, "lower-case letters, digits and _");
export const Sha256 = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/, "a SHA-256 digest in hex")
  .describe("SHA-256, hex");

export const ArtefactDigest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "sha256: and hex");

export const SIGNER_STATES = ["waiting", "active", "unusable", "retired"] as const;
export type SignerState = (typeof SIGNER_STATES)[number];

export const SignerCreation = z
  .strictObject({
    signer: SignerName,
    key_algorithm: z.enum(["ec-p256", "ec-p384", "rsa-4096"]).optional().describe("ec-p256 when absent"),
    profile: z.enum(["code_signing", "clara_model_template"]).optional().describe("code_signing when absent"),
  })
  .meta({ id: "SignerCreation" });
export type SignerCreation = z.infer<typeof SignerCreation>;

export const Signer = z
  .object({
    signer_key_id: z.string(),
    signer: z.string(),
    organization_id: z.string(),
    key_algorithm: z.string(),
    profile: z.string(),
    state: z.enum(SIGNER_STATES),
    chain_pem: z
      .string()
      .optional()
      .describe("The certificate, then its issuers without the root; absent while waiting"),
    expires_at: Timestamp.optional(),
    created_at: Timestamp,
  })
  .meta({ id: "Signer" });
export type Signer = z.infer<typeof Signer>;

export const SignerParams = z.strictObject({
  signer_key_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "a signer's key"),
});
export const SignerListQuery = Scope.extend({ signer: SignerName.optional().describe("All when absent") });
export const SignerList = z.object({ signers: z.array(Signer).describe("Newest first") }).meta({ id: "SignerList" });

export const FileDigests = z
  .array(
    z.strictObject({
      path: z.string().min(1).max(4_096),
      sha256: Sha256,
      shard: z
        .strictObject({ start: z.int().min(0), end: z.int().min(1) })
        .optional()
        .describe("Which of the file's octets these are, end excluded; absent: all"),
    }),
  )
  .min(1)
  .max(100_000);

export const ShardOctets = z
  .int()
  .min(1)
  .optional()
  .describe("The files are listed in shards of so many octets (oms, sigstore); absent: whole");

/** Files never travel, only their digests. How many there may be, and which paths, is the signing service's to say. */
export const ArtefactToSign = z
  .strictObject({
    name: z.string().min(1).max(256),
    version: z.string().min(1).max(128).optional(),
    metadata: z
      .record(z.string(), z.unknown())
      .optional()
      .describe("modelVersion, baseModel, datasets, evaluations, riskClass, extra: stands inside what is signed"),
    shape: z
      .enum(["file", "directory", "digest"])
      .describe("One file, or all files below a directory, or what is known by its digest alone"),
    files: FileDigests.optional().describe("Of a file or directory"),
    shard_octets: ShardOctets,
    digest: ArtefactDigest.optional().describe("Of a digest, such as that of a container's image; as an attestation"),
    signer: SignerName.optional().describe("The requester's own name when absent"),
    format: z
      .enum(["manifest", "oms", "sigstore", "attestation", "publish"])
      .optional()
      .describe(
        "manifest (SHA256SUMS and CAdES-B-T) when absent, of a digest attestation; these are statements in sigstore bundles, publish in the attestation object of PEP 740",
      ),
  })
  .refine(
    ({ shape, files, digest }) =>
      (shape === "digest") === (digest !== undefined) && (shape === "digest") !== (files !== undefined),
    {
      message: "files go with file and directory, digest with digest",
    },
  )
  .meta({ id: "ArtefactToSign" });
export type ArtefactToSign = z.infer<typeof ArtefactToSign>;

export const ArtefactTypeParams = z.strictObject({
  type: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, "an artefact type"),
});

export const HashB64 = z.base64().length(44).describe("SHA-256, base64");

export const HASH_AND_KEY_ALGORITHMS = ["RSA-SHA256", "ECDSA-SHA256"] as const;
export type HashAndKeyAlgorithm = (typeof HASH_AND_KEY_ALGORITHMS)[number];

/** ThemisDB's own words; the name is bound to the certificate of who asks. */
export const HashToSign = z
  .strictObject({
    hash_b64: HashB64,
    service_id: SignerName,
    algorithm: z
      .enum(HASH_AND_KEY_ALGORITHMS)
      .optional()
      .describe("Has to be that of the signer's key; any when absent"),
  })
  .meta({ id: "HashToSign" });
export type HashToSign = z.infer<typeof HashToSign>;

export const SignedHash = z
  .object({
    signature_b64: z.string().describe("CMS SignedData with its time stamp (CAdES-B-T), detached, base64 of DER"),
    signature_id: z.string(),
    cert_serial: z.string().describe("Hex, lower case"),
  })
  .meta({ id: "SignedHash" });

export const DigestToSign = z
  .strictObject({ digest: Sha256, signer: SignerName.optional().describe("The requester's own name when absent") })
  .meta({ id: "DigestToSign" });

export const Signature = z
  .object({
    signature_id: z.string(),
    format: z
      .string()
      .describe("manifest: over a SHA256SUMS file. digest: over what has this digest. Others: statements"),
    signature: z
      .string()
      .optional()
      .describe(
        "Absent for statements. CMS SignedData with its time stamp (CAdES-B-T, EN 319 122-1), detached, base64 of DER",
      ),
    bundle: z
      .string()
      .optional()
      .describe("For statements: sigstore bundle v0.3, or attestation object of PEP 740; JSON"),
    recalled_at: Timestamp.optional().describe("Since when it is not to be used any more"),
    manifest: z.string().optional().describe("SHA256SUMS, octet by octet as it was signed"),
    artefact_digest: z.string(),
    type: z.string().optional(),
    name: z.string().optional(),
    version: z.string().optional(),
    signer: z.string(),
    requester: z.string().describe("SPIFFE URI of who asked for it"),
    signed_at: Timestamp.describe("Of the time stamp"),
    cert_serial: z.string().describe("Of the signer's certificate, hex, lower case"),
  })
  .meta({ id: "ArtefactSignature" });
export type Signature = z.infer<typeof Signature>;

export const SignatureParams = z.strictObject({
  signature_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "a signature"),
});
export const SignatureListQuery = Scope.extend({
  digest: ArtefactDigest.optional(),
  type: ArtefactType.optional(),
  signer: SignerName.optional(),
  page_size: z.coerce.number().int().min(1).max(1_000).optional().describe("100 when absent"),
  page_token: z.string().max(200).optional(),
});
export const SignatureList = z
  .object({
    signatures: z.array(Signature).describe("Newest first, without manifests"),
    next_page_token: z.string().optional(),
  })
  .meta({ id: "ArtefactSignatureList" });

export const LineageParams = z.strictObject({ digest: ArtefactDigest });
const LineageEdge = z.object({
  artefact_digest: z.string().describe("What was made"),
  relation: z.string().describe("base-model, dataset"),
  source_name: z.string().optional().describe("What it was made from"),
  source_digest: z.string().optional(),
});
export const Lineage = z
  .object({
    upstream: z.array(LineageEdge).describe("What it was made from, and on; a thousand at most"),
    downstream: z.array(LineageEdge).describe("What was made from it, and on; a thousand at most"),
  })
  .meta({ id: "ArtefactLineage" });
export type Lineage = z.infer<typeof Lineage>;

export const RecallRequest = z
  .strictObject({
    digest: ArtefactDigest.optional().describe("An artefact, whether it was signed here or not"),
    signer: SignerName.optional().describe("All that it has signed"),
    since: Timestamp.optional().describe("Of `signer`: from then on"),
    dataset: z.string().min(1).max(256).optional().describe("Name or digest: all that was made from it"),
    reason: z.string().min(1).max(500),
    dry_run: z.boolean().optional().describe("Says what would be recalled, and changes nothing"),
  })
  .refine(
    ({ digest, signer, dataset }) => [digest, signer, dataset].filter((each) => each !== undefined).length === 1,
    {
      message: "one of digest, signer and dataset says what is recalled",
    },
  )
  .refine(({ signer, since }) => since === undefined || signer !== undefined, { message: "since goes with signer" })
  .meta({ id: "RecallRequest" });
export type RecallRequest = z.infer<typeof RecallRequest>;

export const Recall = z
  .object({
    recall_id: z.string().optional().describe("Absent for a dry run"),
    reason: z.string(),
    requester: z.string(),
    recalled_at: Timestamp.optional(),
    count: z.int().describe("Artefacts that are recalled by it, all that was made from them included"),
    artefact_digests: z.array(z.string()).describe("The first thousand"),
  })
  .meta({ id: "Recall" });
export type Recall = z.infer<typeof Recall>;

export const RecallListQuery = Scope.extend({ digest: ArtefactDigest.optional() });
export const RecallList = z.object({ recalls: z.array(Recall).describe("Newest first") }).meta({ id: "RecallList" });

export const UsageReport = z
  .strictObject({
    action: z.enum(["verified", "loaded", "refused"]),
    context: z.string().max(256).optional().describe("Where, in your words"),
    times: z.int().min(1).max(1_000_000).optional().describe("How often; once when absent"),
  })
  .meta({ id: "UsageReport" });

export const UsageSummary = z
  .object({
    verified: z.int(),
    loaded: z.int(),
    refused: z.int(),
    usages: z
      .array(
        z.object({
          action: z.string(),
          context: z.string(),
          requester: z.string(),
          times: z.int(),
          used_at: Timestamp,
        }),
      )
      .describe("Newest first, a hundred at most"),
  })
  .meta({ id: "UsageSummary" });
export type UsageSummary = z.infer<typeof UsageSummary>;
