import { PkiError } from "@vcc-pki/errors";
import canonicalize from "canonicalize";
import { z } from "zod";
import { parseStrictJson } from "../strict-json.ts";

/** Media type of a statement in an envelope (in-toto Attestation Framework v1, envelope.md). */
export const IN_TOTO_PAYLOAD_TYPE = "application/vnd.in-toto+json";
const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";

/** What the hsm-gateway signs at most in one envelope. */
export const MAX_STATEMENT_OCTETS = 16 * 1024 * 1024 - 1024;
const MAX_DEPTH = 12;

const InTotoStatement = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  /** One artefact; a statement about several leaves it open which of them is meant. */
  subject: z.tuple([
    z.strictObject({
      name: z.string().min(1).max(4096),
      digest: z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
    }),
  ]),
  predicateType: z.string().min(1).max(512),
  predicate: z.unknown().optional(),
});

/** An in-toto statement v1 about one artefact, whose predicate is yet to be read. */
export interface InTotoStatement {
  readonly subject: { readonly name: string; readonly sha256Hex: string };
  readonly predicateType: string;
  readonly predicate: unknown;
}

/** The statement in canonical form (RFC 8785). Throws REQUEST_TOO_LARGE for more than the hsm-gateway signs. */
export function buildInTotoStatement({ subject, predicateType, predicate }: InTotoStatement): Buffer {
  const digest = { sha256: subject.sha256Hex };
  const statement = { _type: STATEMENT_TYPE, subject: [{ name: subject.name, digest }], predicateType, predicate };
  const octets = Buffer.from(canonicalize(statement) as string);
  if (octets.length > MAX_STATEMENT_OCTETS) throw new PkiError("REQUEST_TOO_LARGE", "the statement is too long");
  return octets;
}

/** A statement and the octets it was read from. */
export interface ReadStatement extends InTotoStatement {
  readonly octets: Uint8Array;
}

/** Reads a statement, in canonical form or not. Throws STATEMENT_MALFORMED, REQUEST_TOO_LARGE. */
export function parseInTotoStatement(octets: Uint8Array): ReadStatement {
  const limits = { maxOctets: MAX_STATEMENT_OCTETS, maxDepth: MAX_DEPTH };
  const json = parseStrictJson(octets, { ...limits, code: "STATEMENT_MALFORMED", what: "the statement" });
  const { subject, predicateType, predicate } = shaped(InTotoStatement, json);
  const [{ name, digest }] = subject;
  return { subject: { name, sha256Hex: digest.sha256 }, predicateType, predicate, octets };
}

/** Refuses a statement that we would not have written like this. Throws STATEMENT_MALFORMED. */
export function checkOneForm(built: Buffer, { octets }: ReadStatement): void {
  if (!built.equals(octets)) throw malformedStatement("is not written in its one form");
}

/** Takes a part of a statement for what it has to be. Throws STATEMENT_MALFORMED. */
export function shaped<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [{ path, message } = { path: [], message: "" }] = parsed.error.issues;
  throw malformedStatement(`has a fault at ${path.join(".") || "its top"}: ${message}`);
}

export const malformedStatement = (fault: string): PkiError =>
  new PkiError("STATEMENT_MALFORMED", `the statement ${fault}`);
