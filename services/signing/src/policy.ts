import { ARTEFACT_TYPES, type ArtefactFacts, type Resource } from "@vcc-pki/artefact";
import { PkiError } from "@vcc-pki/errors";
import { z } from "zod";
import { type Actor, STANDINGS } from "./actor.ts";
import { FORMATS, type Format } from "./forms.ts";
import { readYaml } from "./yaml-file.ts";

const ARTEFACT_FORMATS = FORMATS.filter((format) => format !== "digest");

/** A name, with "*" for any characters but "/". */
const pattern = z.string().regex(/^[A-Za-z0-9._*-]{1,128}$/, "letters, digits, '.', '_', '-', and '*'");

const who = {
  /** Who may ask: a workload, in its own name, or an administrator, for any signer of the organisation; of another organisation, as a member. */
  requesters: z.array(z.enum(STANDINGS)).min(1),
  /** Organisations and signers that may. */
  organisations: z.array(pattern).min(1).default(["*"]),
  signers: z.array(pattern).min(1).default(["*"]),
};

const TypePolicy = z.strictObject({
  ...who,
  /** How it may be signed. */
  formats: z
    .array(z.enum(ARTEFACT_FORMATS))
    .min(1)
    .default([...ARTEFACT_FORMATS]),
  /** Whether its digest alone will do, of files that nobody here has heard of. */
  byDigest: z.boolean().default(false),
  /** Each is the name of at least one of the files, in whichever directory. */
  requiredFiles: z.array(pattern).default([]),
  /** None is the name of any file, whether its letters are small or capital. */
  refusedFiles: z.array(pattern).default([]),
  /** What must be said of the artefact. */
  requiredMetadata: z.array(z.enum(["modelVersion", "baseModel", "datasets", "evaluations", "riskClass"])).default([]),
});

const MEMBERS_DO = ["read", "signers", "recalls"] as const;
/** What administrators of another organisation may do as members of one, beside signing. */
export type MemberRight = (typeof MEMBERS_DO)[number];

const SigningPolicyFile = z.strictObject({
  /** Read signatures, lineage, usages, recalls and signers, and verify; make and retire signers; recall. */
  members: z.array(z.enum(MEMBERS_DO)).default([]),
  /** By type. What is not named is not signed. */
  types: z.partialRecord(z.enum(ARTEFACT_TYPES), TypePolicy),
  /** Digests of what nobody has seen. Absent: none are signed. */
  digests: z.strictObject(who).optional(),
});

type Who = Pick<z.output<typeof TypePolicy>, keyof typeof who>;

/** Who asks, and in whose name. */
export interface Asking extends Actor {
  readonly signer: string;
}

/** What may be signed, and by whom. */
export class SigningPolicy {
  readonly #policy: z.output<typeof SigningPolicyFile>;

  constructor(policy: z.output<typeof SigningPolicyFile>) {
    this.#policy = policy;
  }

  /** Throws SIGNING_NOT_ALLOWED for who asks, ARTEFACT_NOT_ADMITTED (details.rule) for what is to be signed. */
  requireArtefact(asking: Asking, format: Format, facts: ArtefactFacts, resources: readonly Resource[]): void {
    const policy = this.#policy.types[facts.type];
    if (policy === undefined) throw notAdmitted("types", `nothing of the type ${facts.type} is signed here`);
    requireWho(policy, asking);
    if (!policy.formats.some((each) => each === format))
      throw notAdmitted("formats", `a ${facts.type} is not signed as ${format}`);
    if (resources.length === 0 && !policy.byDigest)
      throw notAdmitted("byDigest", `a ${facts.type} is not signed without its files`);
    const names = resources.map(({ path }) => path.slice(path.lastIndexOf("/") + 1));
    const missing = policy.requiredFiles.find((wanted) => !names.some(matcher(wanted)));
    if (missing !== undefined) throw notAdmitted("requiredFiles", `a ${facts.type} has a file ${missing}`);
    for (const refused of policy.refusedFiles) {
      const file = names.find(matcher(refused));
      if (file !== undefined) throw notAdmitted("refusedFiles", `no ${facts.type} with a file ${refused} is signed`);
    }
    const unsaid = policy.requiredMetadata.find((key) => facts.metadata[key] === undefined);
    if (unsaid !== undefined) throw notAdmitted("requiredMetadata", `a ${facts.type} says its ${unsaid}`);
  }

  /** Throws CALLER_NOT_ALLOWED for a member who may not. */
  requireMember({ standing }: Actor, right: MemberRight): void {
    if (standing === "member" && !this.#policy.members.includes(right))
      throw new PkiError("CALLER_NOT_ALLOWED", "this is for the organisation's own people");
  }

  /** Throws SIGNING_NOT_ALLOWED. */
  requireDigests(asking: Asking): void {
    const { digests } = this.#policy;
    if (digests === undefined) throw notAllowed("digests are not signed here");
    requireWho(digests, asking);
  }
}

/** Throws CONFIG_INVALID, naming the file. */
export const readPolicy = (file: string): SigningPolicy => new SigningPolicy(readYaml(file, SigningPolicyFile));

function requireWho(
  { requesters, organisations, signers }: Who,
  { requester, standing, organisation, signer }: Asking,
): void {
  if (!requesters.includes(standing)) throw notAllowed("this kind of requester may not sign this");
  if (requester.kind === "workload" && requester.service !== signer)
    throw notAllowed("a workload signs in its own name");
  if (!organisations.some((each) => matcher(each)(organisation)))
    throw notAllowed("the organisation may not sign this");
  if (!signers.some((each) => matcher(each)(signer))) throw notAllowed("the signer may not sign this");
}

function matcher(wanted: string): (name: string) => boolean {
  const parts = wanted.split("*").map((part) => part.replaceAll(".", "\\."));
  const expression = new RegExp(`^${parts.join("[^/]*")}$`, "i");
  return (name) => expression.test(name);
}

const notAllowed = (why: string): PkiError => new PkiError("SIGNING_NOT_ALLOWED", why);
const notAdmitted = (rule: string, why: string): PkiError =>
  new PkiError("ARTEFACT_NOT_ADMITTED", why, { details: { rule } });
