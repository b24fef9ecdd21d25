import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { PkiError } from "@vcc-pki/errors";
import { Duration } from "@vcc-pki/service";
import { parseDocument } from "yaml";
import { z } from "zod";

const id = z.string().regex(/^[a-z][a-z0-9-]{1,62}[a-z0-9]$/, "lower-case letters, digits, hyphens");
const serviceName = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, "not the name of a service");
const file = z.string().min(1);

/** Makes the token that the hsm-gateway's configuration names, with new PINs beside it. For SoftHSM. */
const CreateToken = z.strictObject({ step: z.literal("create-token") });

/** Takes the token that the hsm-gateway's configuration names, as it is. It must hold no keys. */
const UseToken = z.strictObject({ step: z.literal("use-token") });

/** Makes the keys that encrypt the services' databases. */
const CreateDatabaseKeys = z.strictObject({
  step: z.literal("create-database-keys"),
  services: z.array(serviceName).min(1),
});

const RegisterCustodians = z.strictObject({
  step: z.literal("register-custodians"),
  /** How many of them must approve a later change of this list. */
  threshold: z.int().min(1),
  custodians: z
    .array(
      z.strictObject({
        id,
        /** The person: the last part of an administrator's SPIFFE id. */
        person: id,
        /** Public key, PEM: P-256 or Ed25519. Absent: a key is made and kept on this disk, for development. */
        publicKey: file.optional(),
      }),
    )
    .min(1),
});

const Authority = z.strictObject({
  id,
  /** Absent: a root. */
  parent: id.optional(),
  name: z.string().min(1).max(64),
  keyAlgorithm: z.string().default("ec-p384"),
  validity: Duration,
  /** What it issues. */
  profiles: z.array(z.string()).default([]),
  /** Whether it may issue authorities below it. */
  mayIssueAuthorities: z.boolean().default(false),
  /** Custodians that must approve each of its signatures. */
  quorum: z.int().min(0).default(0),
});

/** Asks for all of them at once, so that the custodians can look at them together. */
const CreateAuthorities = z.strictObject({
  step: z.literal("create-authorities"),
  authorities: z.array(Authority).min(1),
});

const PublishCrls = z.strictObject({
  step: z.literal("publish-crls"),
  authorities: z.array(id).min(1),
  /** How many lists each of them signs, one taking over from the other when that has lived two thirds of its life. */
  ahead: z.int().min(1).max(24).default(1),
});

const CreateOrganisation = z.strictObject({
  step: z.literal("create-organisation"),
  organisation: id,
  name: z.string().min(1).max(64),
  isolation: z.enum(["strict", "collaborative", "federated"]),
  /** Names it may put into certificates: exact, or "*.suffix". */
  allowedNames: z.array(z.string()).default([]),
  /** Networks whose addresses it may put into certificates, in CIDR notation. */
  allowedNetworks: z.array(z.string()).default([]),
  /** Authorities of the operator it may obtain certificates from. */
  authorities: z.array(id).default([]),
  contact: z.string().default(""),
  /** People of the operator who may administer it. */
  members: z.array(id).default([]),
});

const IssuePlatformIdentities = z.strictObject({
  step: z.literal("issue-platform-identities"),
  /** By name; the DNS names and addresses beside the SPIFFE id are those of `platformNames` in the ca's configuration. */
  services: z.array(serviceName).min(1),
});

/** The operator's first administrator, who is also the one this ceremony acts for. */
const IssueAdminCertificate = z.strictObject({
  step: z.literal("issue-admin-certificate"),
  /** PKCS#10, PEM, made by that person. Absent: key and request are made here, for development. */
  csr: file.optional(),
});

const WriteTrust = z.strictObject({ step: z.literal("write-trust"), root: id });

const Step = z.discriminatedUnion("step", [
  CreateToken,
  UseToken,
  CreateDatabaseKeys,
  RegisterCustodians,
  CreateAuthorities,
  PublishCrls,
  CreateOrganisation,
  IssuePlatformIdentities,
  IssueAdminCertificate,
  WriteTrust,
]);

const Script = z
  .strictObject({
    ceremony: z.string().min(1),
    /** In a production ceremony no private key of a person is made here. */
    kind: z.enum(["development", "production"]),
    /** Person in whose name the ceremony asks: the last part of an administrator's SPIFFE id. */
    operator: id,
    steps: z.array(Step).min(1),
  })
  .superRefine(({ kind, operator, steps }, context) => {
    for (const [index, step] of steps.entries()) {
      const refuse = (message: string) => context.addIssue({ code: "custom", path: ["steps", index], message });
      const custodians = step.step === "register-custodians" ? step.custodians : [];
      if (custodians.some(({ person }) => person === operator)) refuse("the operator cannot approve what it asks for");
      if (kind === "development") continue;
      if (step.step === "create-token") refuse("a production ceremony uses a token that is there: use-token");
      if (custodians.some(({ publicKey }) => publicKey === undefined)) refuse("custodians bring their public keys");
      if (step.step === "issue-admin-certificate" && step.csr === undefined) refuse("the administrator brings a csr");
    }
  });

export type Step = z.infer<typeof Step>;
export type StepName = Step["step"];
export type StepOf<N extends StepName> = Extract<Step, { step: N }>;
export type AuthorityPlan = z.infer<typeof Authority>;

export interface Script extends z.infer<typeof Script> {
  readonly file: string;
  readonly text: string;
  readonly sha256: string;
}

/** Reads a ceremony's script. Throws CONFIG_INVALID naming the key and what is wrong with it. */
export function readScript(path: string): Script {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `cannot read the script ${path}`, { cause });
  }
  const document = parseDocument(text, { uniqueKeys: true });
  const [error] = document.errors;
  if (error) throw new PkiError("CONFIG_INVALID", `${path}: ${error.message}`);
  const result = Script.safeParse(document.toJS());
  if (result.success) return { ...result.data, file: path, text, sha256: hash("sha256", text) };
  const issues = result.error.issues.map(({ path: key, message }) => `${key.join(".") || "(top)"}: ${message}`);
  throw new PkiError("CONFIG_INVALID", `${path}: ${issues.join("; ")}`);
}
