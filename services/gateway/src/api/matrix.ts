import { MatrixDocument } from "@vcc-pki/matrix";
import { z } from "zod";
import { OrganisationId, Scope, Timestamp } from "./fields.ts";

const ServiceName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, "the name of a service, or of a type of services");
/** Twice what the service takes, for what JSON has to escape. */
const MAX_YAML = 262_144;

export const MatrixFinding = z
  .object({
    severity: z.enum(["error", "warning"]),
    kind: z.string().describe("syntax, unknown-service, contradiction, unreachable-rule, cycle, ..."),
    line: z.int().describe("In the YAML, from 1"),
    message: z.string(),
  })
  .meta({ id: "MatrixFinding" });
export type MatrixFinding = z.infer<typeof MatrixFinding>;

export const Matrix = z
  .object({
    organisation: z.string(),
    version: z.int().describe("0: the shipped one, while the organisation has put none; or of a dry run"),
    yaml: z.string().describe("As it was put"),
    sha256: z.string().optional().describe("Of the YAML, hex"),
    put_by: z.string().optional().describe("SPIFFE URI"),
    put_at: Timestamp.optional(),
    findings: z.array(MatrixFinding).describe("Warnings; of a dry run errors, too"),
    document: MatrixDocument.optional().describe("What decisions need, for libraries that decide elsewhere"),
  })
  .meta({ id: "Matrix" });
export type Matrix = z.infer<typeof Matrix>;

export const MatrixQuery = Scope.extend({
  version: z.coerce.number().int().min(1).max(4_000_000_000).optional().describe("The one in force when absent"),
});

export const MatrixPut = z
  .strictObject({
    yaml: z.string().max(MAX_YAML),
    expected_version: z.int().min(1).max(4_000_000_000).optional().describe("Fails unless it replaces this one"),
    dry_run: z.boolean().optional().describe("Say what there is to find, and change nothing"),
  })
  .meta({ id: "MatrixPut" });
export type MatrixPut = z.infer<typeof MatrixPut>;

export const MatrixGraph = z
  .object({
    services: z.array(z.string()),
    edges: z.array(
      z.object({
        source: z.string(),
        target: z.string(),
        rule: z.string(),
        restriction: z.string().optional().describe("Methods and paths; all when absent"),
      }),
    ),
  })
  .meta({ id: "MatrixGraph" });
export type MatrixGraph = z.infer<typeof MatrixGraph>;

export const ReachQuery = Scope.extend({ source: ServiceName, target: ServiceName });

export const Reach = z
  .object({
    reachable: z.boolean(),
    path: z.array(z.string()).describe("The shortest way, from source to target"),
    rules: z.array(z.string()).describe("Of each step"),
  })
  .meta({ id: "Reach" });
export type Reach = z.infer<typeof Reach>;

export const CommunicationQuestion = z
  .strictObject({
    source_service: z.string().min(1).max(300).optional().describe("Name or SPIFFE URI; the requester when absent"),
    target_service: ServiceName,
    target_organisation: OrganisationId.optional().describe("The source's when absent"),
    method: z.string().min(1).max(40).optional().describe("Any when absent"),
    path: z.string().min(1).max(8_192).optional().describe("As it stands in the request; any when absent"),
  })
  .meta({ id: "CommunicationQuestion" });
export type CommunicationQuestion = z.infer<typeof CommunicationQuestion>;

export const CommunicationAnswer = z
  .object({
    allowed: z.boolean(),
    rule: z.string().optional().describe("That decided: its place in the matrix, or the id of a grant"),
    line: z.int().optional().describe("Of the rule, in the YAML"),
    code: z.string().describe("allowed, no-rule, denied-by-rule, permission-needed, isolated, not-here, ..."),
    reason: z.string(),
  })
  .meta({ id: "CommunicationAnswer" });
export type CommunicationAnswer = z.infer<typeof CommunicationAnswer>;

const NamePattern = z.string().regex(/^[a-z0-9*][a-z0-9._*-]{0,62}$/, "a service, or '*' for any characters");
const crossCall = {
  source_organisation: OrganisationId,
  source_service: NamePattern,
  target_organisation: OrganisationId,
  target_service: NamePattern,
  expires_at: Timestamp,
};

export const CrossGrantPut = z.strictObject(crossCall).meta({ id: "CrossGrantPut" });
export type CrossGrantPut = z.infer<typeof CrossGrantPut>;

export const CrossGrant = z
  .object({
    grant_id: z.string(),
    ...crossCall,
    granted_by_source: z.string().optional().describe("SPIFFE URI; absent: not yet"),
    granted_by_target: z.string().optional(),
    withdrawn_at: Timestamp.optional(),
  })
  .meta({ id: "CrossGrant" });
export type CrossGrant = z.infer<typeof CrossGrant>;

export const CrossGrantList = z.object({ grants: z.array(CrossGrant) }).meta({ id: "CrossGrantList" });
export const CrossGrantParams = z.strictObject({ grant_id: z.uuid() });
