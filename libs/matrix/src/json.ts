import { PkiError } from "@vcc-pki/errors";
import { z } from "zod";
import { parsePathPattern } from "./path.ts";
import type { Matrix, Restriction } from "./rule.ts";

const word = z.string().min(1).max(63);
const restriction = {
  /** Absent: any. */
  methods: z.array(z.string().max(20)).max(20).optional(),
  /** Patterns as in the YAML. Absent: any. */
  paths: z.array(z.string().max(1_000)).max(200).optional(),
};

/** The JSON form, for those who decide elsewhere: the SDKs. Everything a decision needs, and nothing else. */
export const MatrixDocument = z.strictObject({
  format: z.literal("vcc-matrix-1"),
  organisation: z.string().max(40),
  version: z.int().min(0),
  services: z.array(z.strictObject({ name: word, line: z.int(), isolation: z.enum(["normal", "high"]) })).max(10_000),
  types: z.record(word, word),
  rules: z
    .array(
      z.strictObject({
        id: z.string().max(200),
        line: z.int(),
        effect: z.enum(["allow", "deny"]),
        source: word,
        target: word,
        ...restriction,
      }),
    )
    .max(100_000),
  permissions: z
    .array(z.strictObject({ name: word, line: z.int(), target: word, holders: z.array(word), ...restriction }))
    .max(10_000),
});
export type MatrixDocument = z.output<typeof MatrixDocument>;

export function matrixToJson(
  matrix: Matrix,
  { organisation, version }: { organisation: string; version: number },
): MatrixDocument {
  const plain = <T extends Restriction>(each: T) => ({ ...each, paths: each.paths?.map(({ text }) => text) });
  return {
    ...{ format: "vcc-matrix-1", organisation, version },
    services: [...matrix.services],
    types: { ...matrix.types },
    rules: matrix.rules.map(plain),
    permissions: matrix.permissions.map((permission) => ({ ...plain(permission), holders: [...permission.holders] })),
  } as MatrixDocument;
}

/** Throws CONFIG_INVALID for what is none. */
export function matrixFromJson(document: unknown): Matrix {
  const parsed = MatrixDocument.safeParse(document);
  if (!parsed.success) throw new PkiError("CONFIG_INVALID", `not a matrix: ${z.prettifyError(parsed.error)}`);
  const compiled = <T extends { readonly paths?: readonly string[] | undefined }>(each: T) => ({
    ...each,
    paths: each.paths?.map(parsePathPattern),
  });
  const { services, types, rules, permissions } = parsed.data;
  return { services, types, rules: rules.map(compiled), permissions: permissions.map(compiled) };
}
