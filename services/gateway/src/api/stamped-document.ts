import { z } from "zod";
import { TimestampToken } from "./tsa.ts";

const MAX_DEPTH = 16;

const text = z
  .string()
  .min(1)
  .max(1_024)
  .refine((value) => value.isWellFormed(), "well-formed Unicode");
const Sha256 = z
  .string()
  .regex(/^(sha256:)?[0-9a-fA-F]{64}$/, "a SHA-256 digest in hex")
  .describe("SHA-256, hex");

/** Anything that JSON can say and that RFC 8785 has one way to write: I-JSON (RFC 7493), not too deep. */
const Described = z
  .record(z.string(), z.unknown())
  .refine(
    (value) => isInteroperable(value, MAX_DEPTH),
    "numbers that a double holds, well-formed text, 16 levels at most",
  );

function isInteroperable(value: unknown, depth: number): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number")
    return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  if (typeof value !== "object" || value === null) return true;
  if (depth === 0) return false;
  return Object.entries(value).every(([key, each]) => key.isWellFormed() && isInteroperable(each, depth - 1));
}

const metadata = Described.optional().describe("Stands inside what is stamped");

/** What is said about what, by kind. The first field is the digest of the thing itself. */
export const STATEMENTS = {
  "clara/model": {
    type: "clara-model",
    summary: "A time stamp over a Clara model or LoRA adapter: its digest, name, version and metadata",
    fields: z
      .strictObject({ model_hash: Sha256, model_name: text, model_version: text.optional(), metadata })
      .meta({ id: "ClaraModel" }),
  },
  "covina/workflow": {
    type: "covina-workflow",
    summary: "A time stamp over a Covina workflow's results: their digest, the workflow and its metadata",
    fields: z
      .strictObject({ workflow_hash: Sha256, workflow_id: text, workflow_name: text.optional(), metadata })
      .meta({ id: "CovinaWorkflow" }),
  },
  "veritas/pipeline": {
    type: "veritas-pipeline",
    summary: "A time stamp over a Veritas pipeline's output: its digest, the pipeline, its configuration and metadata",
    fields: z
      .strictObject({
        pipeline_hash: Sha256,
        pipeline_id: text,
        pipeline_config: Described.optional().describe("Stands inside what is stamped"),
        metadata,
      })
      .meta({ id: "VeritasPipeline" }),
  },
} as const;
export type StatementKind = keyof typeof STATEMENTS;

export const StampedDocument = z
  .object({
    document: z
      .string()
      .describe(
        "What was stamped: canonical JSON (RFC 8785). Keep its UTF-8 octets: `openssl ts -verify -data` takes them",
      ),
    token: TimestampToken,
  })
  .meta({ id: "StampedDocument" });
export type StampedDocument = z.infer<typeof StampedDocument>;
