import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { PkiError } from "@vcc-pki/errors";
import { DEFAULT_TRUST_DOMAIN, isValidDnsName, parseIpAddress, parseSpiffeId } from "@vcc-pki/x509";
import { parseDocument } from "yaml";
import { z } from "zod";
import { LayoutProfile, Mode } from "./layout.ts";
import { ProofConfig } from "./prove.ts";
import { ReloadConfig } from "./reload/reload.ts";

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
      directory: z.string().min(1),
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
  /** YAML with a layout profile per service, as deploy/policies/services.yaml. */
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
  const profiles = config.services === undefined ? {} : readProfiles(from(config.services));
  const identities = config.identities.map((identity): Identity => {
    const { layout } = identity;
    return {
      ...identity,
      name: identity.name ?? identity.service,
      spiffeId: spiffeIdOf(identity, config.trustDomain, file),
      layout: layout && {
        ...layout,
        directory: from(layout.directory),
        profile: typeof layout.profile === "string" ? findProfile(profiles, layout.profile, file) : layout.profile,
      },
    };
  });
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
  const result = schema.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `  ${path.join(".") || "(root)"}: ${message}`);
  throw new PkiError("CONFIG_INVALID", `${file}:\n${issues.join("\n")}`);
}

/** What we read of services.yaml: the layouts, by service. */
const Services = z.looseObject({
  services: z.record(z.string(), z.looseObject({ layout: LayoutProfile.optional() })),
});

type Profiles = Readonly<Record<string, LayoutProfile | undefined>>;

function readProfiles(file: string): Profiles {
  const { services } = parseYaml(file, Services);
  return Object.fromEntries(Object.entries(services).map(([name, { layout }]) => [name, layout]));
}

function findProfile(profiles: Profiles, name: string, file: string): LayoutProfile {
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (profile === undefined) throw new PkiError("CONFIG_INVALID", `${file}: no service "${name}" with a layout`);
  return profile;
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
