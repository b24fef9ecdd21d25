import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { PkiError } from "@vcc-pki/errors";
import { DEFAULT_TRUST_DOMAIN, isValidDnsName, parseIpAddress, parseSpiffeId } from "@vcc-pki/x509";
import { parseDocument } from "yaml";
import { z } from "zod";
import { LayoutProfile, Mode } from "./layout.ts";
import { ProofConfig } from "./prove.ts";
import { Duration, ReloadConfig } from "./reload/reload.ts";

export const DnsName = z.string().refine((name) => isValidDnsName(name), "not a DNS name");
export const IpAddress = z.string().refine(isIpAddress, "not an IP address");

/** One service on this machine. */
export const IdentityConfig = z.strictObject({
  /** What it is called here: on the command line, and its directory below `stateDir`. The service unless given. */
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/)
    .optional(),
  organisation: z.string(),
  service: z.string(),
  /** Names for the certificate besides the SPIFFE id; what the enrolment token admits. */
  dns: z.array(DnsName).max(50).default([]),
  ip: z.array(IpAddress).max(50).default([]),
  /** The name of an identity here that the registry lets look after this one: it asks for the first certificate, no token is needed. */
  managedBy: z.string().optional(),
  key: z.enum(["ec-p256", "ec-p384", "rsa-3072"]).default("ec-p256"),
  /** Where the service reads its files. Absent: it takes them over SDS. */
  layout: z
    .strictObject({
      /** That of the profile, unless given. */
      directory: z.string().min(1).optional(),
      /** A service in the file `services`, or the names themselves. */
      profile: z.union([z.string(), LayoutProfile]),
      /** Whether the names are links into a directory that changes at once. False where a reader wants plain files; always on Windows. */
      links: z.boolean().default(process.platform !== "win32"),
    })
    .optional(),
  reload: ReloadConfig.optional(),
  proof: ProofConfig.optional(),
});

export const AgentConfig = z.strictObject({
  /** Origin of the gateway. */
  server: z.url({ protocol: /^https$/ }),
  /** Keys, certificates and what the agent remembers; for the agent alone. */
  stateDir: z.string().min(1),
  trustDomain: z.string().default(DEFAULT_TRUST_DOMAIN),
  /** deploy/policies/services.yaml, or one's own of the same form: which files a service reads. */
  services: z.string().optional(),
  /** Machines besides this one that HTTP hooks may be sent to. */
  reloadHosts: z.array(z.string()).default([]),
  /** Envoy's secret discovery service, on a Unix socket. */
  sds: z
    .strictObject({
      socket: z.string().min(1).max(100),
      /** Of the socket: whoever may open it gets the keys of all identities. */
      mode: Mode.refine((mode) => (mode & 0o007) === 0, "keys are for nobody else").default(0o600),
    })
    .optional(),
  /** What the gateway wants of all agents at once, each does at a moment of its own within this time. */
  spread: Duration.prefault("15s"),
  logLevel: z.enum(["debug", "info", "warn", "error"]).default("info"),
  identities: z.array(IdentityConfig).max(2_000),
});
export type AgentConfig = z.output<typeof AgentConfig>;

/** An identity with everything that was left open decided. */
export type Identity = Omit<z.output<typeof IdentityConfig>, "name" | "layout"> & {
  readonly name: string;
  readonly spiffeId: string;
  readonly layout: { readonly directory: string; readonly profile: LayoutProfile; readonly links: boolean } | undefined;
};

export type Settings = Omit<AgentConfig, "identities"> & { readonly identities: readonly Identity[] };

/** Reads agent.yaml. Relative paths in it are relative to it. Throws CONFIG_INVALID naming the file, the key and what is wrong. */
export function loadSettings(file: string): Settings {
  const config = parseYaml(file, AgentConfig);
  const from = (path: string): string => resolve(dirname(file), path);
  const wanted = config.identities.flatMap(({ layout }) => (typeof layout?.profile === "string" ? layout.profile : []));
  const profiles: Profiles = config.services === undefined ? new Map() : readProfiles(from(config.services), wanted);
  const identities = config.identities.map(
    (identity): Identity => ({
      ...identity,
      name: identity.name ?? identity.service,
      spiffeId: spiffeIdOf(identity, config.trustDomain, file),
      layout: identity.layout && layoutOf(identity.layout, profiles, file),
    }),
  );
  requireUnique(
    identities.map(({ name }) => name),
    "name",
    file,
  );
  const stranger = identities.find(
    ({ managedBy }) => managedBy !== undefined && !identities.some(({ name }) => name === managedBy),
  );
  if (stranger) throw new PkiError("CONFIG_INVALID", `${file}: there is no identity ${stranger.managedBy}`);
  requireUnique(
    identities.flatMap(({ layout }) => (layout ? [layout.directory] : [])),
    "layout directory",
    file,
  );
  const sds = config.sds && { ...config.sds, socket: from(config.sds.socket) };
  return { ...config, sds, stateDir: from(config.stateDir), identities };
}

/** Throws CONFIG_INVALID. */
export function parseYaml<S extends z.ZodType>(file: string, schema: S): z.output<S> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `cannot read ${file}`, { cause });
  }
  const document = parseDocument(text, { uniqueKeys: true });
  const [error] = document.errors;
  if (error) throw new PkiError("CONFIG_INVALID", `${file}: ${error.message}`);
  return checked(schema, document.toJS({ maxAliasCount: 0 }), file);
}

function checked<S extends z.ZodType>(schema: S, value: unknown, file: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `  ${path.join(".") || "(root)"}: ${message}`);
  throw new PkiError("CONFIG_INVALID", `${file}:\n${issues.join("\n")}`);
}

/** What we read of services.yaml: the files, by service. */
const ServiceNames = z.looseObject({ services: z.array(z.looseObject({ service: z.string() })) });

const CatalogueEntry = z.looseObject({
  service: z.string(),
  files: z.looseObject({
    directory: z.string(),
    certificate: z.string(),
    key: z.string(),
    trust: z.string(),
    trustContents: z.literal("roots", "the agent writes roots alone: name the files in agent.yaml").optional(),
  }),
});

type Profiles = ReadonlyMap<string, { readonly directory: string; readonly profile: LayoutProfile }>;

/** Only what the identities here name has to be something that we can write. */
function readProfiles(file: string, wanted: readonly string[]): Profiles {
  const { services } = parseYaml(file, ServiceNames);
  return new Map(
    services
      .filter(({ service }) => wanted.includes(service))
      .map((entry) => {
        const { service, files } = checked(CatalogueEntry, entry, file);
        const { directory, certificate, key, trust } = files;
        return [service, { directory, profile: checked(LayoutProfile, { certificate, key, trust }, file) }];
      }),
  );
}

function layoutOf(
  { directory, profile, links }: NonNullable<z.output<typeof IdentityConfig>["layout"]>,
  profiles: Profiles,
  file: string,
): NonNullable<Identity["layout"]> {
  const named = typeof profile === "string" ? profiles.get(profile) : undefined;
  const known = typeof profile === "string" ? named?.profile : profile;
  if (known === undefined) throw new PkiError("CONFIG_INVALID", `${file}: no service "${profile}" in \`services\``);
  const place = directory ?? named?.directory;
  if (place === undefined) throw new PkiError("CONFIG_INVALID", `${file}: a layout without directory`);
  return { directory: resolve(dirname(file), place), profile: known, links };
}

function spiffeIdOf(identity: { organisation: string; service: string }, trustDomain: string, file: string): string {
  const uri = `spiffe://${trustDomain}/org/${identity.organisation}/service/${identity.service}`;
  try {
    return parseSpiffeId(uri, trustDomain).uri;
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `${file}: ${uri} is no identity of a service`, { cause });
  }
}

function requireUnique(values: readonly string[], what: string, file: string): void {
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  if (twice !== undefined) throw new PkiError("CONFIG_INVALID", `${file}: two identities with the ${what} ${twice}`);
}

function isIpAddress(text: string): boolean {
  try {
    parseIpAddress(text);
    return true;
  } catch {
    return false;
  }
}
