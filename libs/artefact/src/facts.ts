import { z } from "zod";
import { isDigest } from "./digest.ts";

/** What can be signed, in the words of the policies. */
export const ARTEFACT_TYPES = [
  "python_package",
  "lora_adapter",
  "model_weights",
  "pipeline_config",
  "ui_bundle",
  "container_image",
  "workflow",
  "source_tree",
  "file",
] as const;

/** The four levels of risk of the AI Act, Regulation (EU) 2024/1689: Articles 5 (unacceptable), 6 (high) and 50 (limited), and the rest. */
export const RISK_CLASSES = ["minimal", "limited", "high", "unacceptable"] as const;

const text = (maxCharacters: number) =>
  z
    .string()
    .min(1)
    .max(maxCharacters)
    .refine((value) => value.isWellFormed() && !/\p{Cc}/u.test(value), "control characters are not allowed");
const digest = z.string().refine(isDigest, "sha256: and 64 lower-case hex digits");

const Metadata = z.strictObject({
  modelVersion: text(128).optional(),
  /** What an adapter was trained on: it is refused on any other. */
  baseModel: z.strictObject({ name: text(256).optional(), digest }).optional(),
  datasets: z
    .array(z.strictObject({ name: text(256), digest: digest.optional() }))
    .min(1)
    .max(256)
    .optional(),
  evaluations: z
    .array(z.strictObject({ name: text(256), digest: digest.optional(), result: text(1024).optional() }))
    .min(1)
    .max(256)
    .optional(),
  riskClass: z.enum(RISK_CLASSES).optional(),
  /** What else the signer says, not looked at by us. */
  extra: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9._-]{0,63}$/), text(1024))
    .refine((entries) => Object.keys(entries).length <= 64, "at most 64 entries")
    .optional(),
});

/** What a signature says about an artefact, beside its files. It stands inside what is signed. Every value is text, so that there is one
 *  way to write it (RFC 8785). */
export const ArtefactFacts = z.strictObject({
  type: z.enum(ARTEFACT_TYPES),
  name: text(256),
  version: text(128).optional(),
  /** For whom it was signed; the signer's certificate has to name the same one. */
  organisation: z.string().regex(/^[a-z][a-z0-9-]{1,38}[a-z0-9]$/, "3 to 40 lower-case letters, digits and hyphens"),
  metadata: Metadata.default({}),
});

export type ArtefactFacts = z.output<typeof ArtefactFacts>;
export type ArtefactMetadata = ArtefactFacts["metadata"];
export type ArtefactType = (typeof ARTEFACT_TYPES)[number];
export type RiskClass = (typeof RISK_CLASSES)[number];
