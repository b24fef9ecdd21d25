import { readFileSync } from "node:fs";
import { PkiError } from "@vcc-pki/errors";
import { type Document, LineCounter, type Node, parseDocument } from "yaml";
import { z } from "zod";
import { HEALTH_DIALECTS } from "./probe/health-dialect.ts";

const MAX_FILE_OCTETS = 1024 * 1024;

const serviceName = z.string().regex(/^[a-z0-9][a-z0-9-]{1,62}$/, "2 to 63 of: small letters, digits, '-'");
const typeName = z.string().regex(/^[a-z0-9][a-z0-9_]{1,62}$/, "2 to 63 of: small letters, digits, '_'");
const dnsName = z
  .string()
  .max(253)
  .regex(/^(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*$/, "a host name in small letters");
const fileName = z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/, "a file name without directory");
/** The placeholders of `environment`. */
const PLACEHOLDERS = ["directory", "certificate", "key", "trust", "service", "organisation", "pki_url"] as const;
const variable = z.string().regex(/^[A-Z][A-Z0-9_]*$/, "capital letters, digits, '_'");
const value = z
  .string()
  .refine((text) => placeholdersOf(text).every(isPlaceholder), `placeholders are ${PLACEHOLDERS.join(", ")}`);

const Health = z.strictObject({
  path: z.string().regex(/^\/[!-~]*$/, "a path from the root, without spaces"),
  /** How the answer is read; see probe/health-dialect.ts. */
  dialect: z.enum(HEALTH_DIALECTS).default("auto"),
});

const Endpoint = z.strictObject({
  /** What this port is for; unique in its service. */
  name: z.string().regex(/^[a-z0-9-]{1,32}$/, "small letters, digits, '-'"),
  port: z.int().min(1).max(65_535),
  /** What it should speak. What it does speak, a probe tells. */
  scheme: z.enum(["https", "http"]).default("https"),
  health: Health.optional(),
});

const Files = z.strictObject({
  /** Absolute, POSIX or Windows. */
  directory: z.string().regex(/^(\/|[A-Za-z]:\\)[^\0]*$/, "an absolute directory"),
  /** PEM: the service's certificate first, then its issuers, without the root. */
  certificate: fileName,
  /** PEM: PKCS#8, not encrypted. */
  key: fileName,
  /** PEM: what the service trusts. */
  trust: fileName,
  /** "roots" is what TLS needs; "roots_issuers_and_lists" adds issuing CAs and current CRLs, for verifiers that fetch none. */
  trustContents: z.enum(["roots", "roots_issuers_and_lists"]).default("roots"),
});

const CatalogueService = z.strictObject({
  /** The <service> of its identity, spiffe://…/org/<organisation>/service/<service>. */
  service: serviceName,
  /** What kind of service it is. Rules about calls speak of kinds. */
  type: typeName,
  description: z.string().max(500),
  /** Where these facts are from: its source code, or documents alone. */
  basis: z.enum(["code", "documents"]),
  /** Names it goes by elsewhere, e.g. as VCC_SERVICE_ID. */
  aliases: z.array(serviceName).default([]),
  /** The first is where it is looked for. */
  dnsNames: z.array(dnsName).min(1),
  /** The profile of the ca its certificate has. */
  profile: z
    .string()
    .regex(/^[a-z0-9_]+$/)
    .default("mtls_service"),
  /** None: a library, or a service whose ports nobody has told. */
  endpoints: z.array(Endpoint).default([]),
  /** What the agent writes, and where. */
  files: Files,
  /** Variables by which the service is told about it. `{certificate}`, `{key}`, `{trust}` stand for the files' whole paths. */
  environment: z.record(variable, value).default({}),
  /** What makes it use a new certificate. */
  takesEffect: z.enum(["restart", "reload", "watch"]).default("restart"),
  /** Services or types it says it calls; "*_database" is every type that ends so. */
  calls: z
    .array(z.string().regex(/^(\*_)?[a-z0-9][a-z0-9_-]*$/, "a service, a type, or '*_' and the end of a type"))
    .default([]),
});

const Catalogue = z.strictObject({
  version: z.literal(1),
  services: z.array(CatalogueService).min(1).max(1000),
});

export type CatalogueService = z.output<typeof CatalogueService>;
export type CatalogueEndpoint = z.output<typeof Endpoint>;

/** The services of deploy/policies/services.yaml, in the order of the file. Throws CONFIG_INVALID: each finding in a line "file:line: what". */
export function readServiceCatalogue(file: string): readonly CatalogueService[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `cannot read ${file}`, { cause });
  }
  return parseServiceCatalogue(text, file);
}

/** The same for a text. `file` is what findings call it. */
export function parseServiceCatalogue(text: string, file: string): readonly CatalogueService[] {
  if (text.length > MAX_FILE_OCTETS) throw new PkiError("CONFIG_INVALID", `${file}: is longer than 1 MiB`);
  const lines = new LineCounter();
  const document = parseDocument(text, { uniqueKeys: true, lineCounter: lines });
  const refuse = (findings: readonly Finding[]) =>
    new PkiError("CONFIG_INVALID", findings.map(({ line, what }) => `${file}:${line}: ${what}`).join("\n"));

  if (document.errors.length > 0)
    throw refuse(
      document.errors.map(({ pos, message }) => ({ line: lines.linePos(pos[0]).line, what: firstLine(message) })),
    );
  const parsed = Catalogue.safeParse(toPlain(document, file));
  const lineOf = (path: readonly PropertyKey[]) => lines.linePos(offsetOf(document, path)).line;
  if (!parsed.success)
    throw refuse(
      parsed.error.issues.map(({ path, message }) => ({ line: lineOf(path), what: `${path.join(".")}: ${message}` })),
    );
  const findings = findContradictions(parsed.data.services);
  if (findings.length > 0) throw refuse(findings.map(({ path, what }) => ({ line: lineOf(path), what })));
  return parsed.data.services;
}

interface Finding {
  readonly line: number;
  readonly what: string;
}

/** What no field says alone. */
function findContradictions(services: readonly CatalogueService[]): { path: PropertyKey[]; what: string }[] {
  const findings: { path: PropertyKey[]; what: string }[] = [];
  const owners = new Map<string, string>();
  const claim = (kind: string, name: string, { service }: CatalogueService, path: PropertyKey[]) => {
    const owner = owners.get(`${kind} ${name}`);
    if (owner !== undefined) findings.push({ path, what: `${kind} "${name}" is taken by ${owner}` });
    owners.set(`${kind} ${name}`, service);
  };
  for (const [i, each] of services.entries()) {
    claim("name", each.service, each, ["services", i, "service"]);
    for (const [j, alias] of each.aliases.entries()) claim("name", alias, each, ["services", i, "aliases", j]);
    for (const [j, name] of each.dnsNames.entries()) claim("DNS name", name, each, ["services", i, "dnsNames", j]);
    for (const [j, { name, port }] of each.endpoints.entries()) {
      claim(`endpoint of ${each.service}`, name, each, ["services", i, "endpoints", j, "name"]);
      claim(`port of ${each.service}`, String(port), each, ["services", i, "endpoints", j, "port"]);
    }
    const { certificate, key, trust } = each.files;
    if (key === certificate || trust === certificate || trust === key)
      findings.push({
        path: ["services", i, "files", key === certificate ? "key" : "trust"],
        what: "certificate, key and trust are three files",
      });
    for (const [j, target] of each.calls.entries()) {
      if (!services.some((other) => isCalled(target, other)))
        findings.push({ path: ["services", i, "calls", j], what: `"${target}" is neither a service nor a type here` });
    }
  }
  return findings;
}

/** Whether a target of `calls` means this service. */
export function isCalled(target: string, { service, type }: Pick<CatalogueService, "service" | "type">): boolean {
  return target.startsWith("*") ? type.endsWith(target.slice(1)) : target === service || target === type;
}

/** `environment` with its placeholders filled in. `paths` are whole paths. */
export function fillEnvironment(
  environment: Readonly<Record<string, string>>,
  values: Readonly<Record<(typeof PLACEHOLDERS)[number], string>>,
): Record<string, string> {
  const fill = (text: string) =>
    text.replace(PLACEHOLDER, (whole, name: string) => (isPlaceholder(name) ? values[name] : whole));
  return Object.fromEntries(Object.entries(environment).map(([name, text]) => [name, fill(text)]));
}

const PLACEHOLDER = /\{([^{}]*)\}/g;
const placeholdersOf = (text: string): string[] => [...text.matchAll(PLACEHOLDER)].map(([, name = ""]) => name);
const isPlaceholder = (name: string): name is (typeof PLACEHOLDERS)[number] =>
  PLACEHOLDERS.some((known) => known === name);

function toPlain(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `${file}: aliases are not understood here`, { cause });
  }
}

/** Where the value at a path begins; where its nearest ancestor does when it is missing. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as Node | undefined;
    if (node?.range) return node.range[0];
  }
  return 0;
}

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";
