import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { PkiError } from "@vcc-pki/errors";
import { parseDocument } from "yaml";
import { z } from "zod";

const Endpoint = z.strictObject({
  /** Address to listen on. Loopback unless other machines have to reach it. */
  host: z.string().min(1),
  /** TCP port; 0 picks a free one. */
  port: z.int().min(0).max(65_535),
});

/** What every service is told. A service extends this with keys of its own. */
export const BaseConfig = z.strictObject({
  /** Where gRPC is served, over mutual TLS. */
  listen: Endpoint,
  /** Where /metrics, /healthz and /readyz are served, in the clear: keep it on loopback or a management network. */
  health: Endpoint,
  /** Trust domain of every SPIFFE id that is accepted. */
  trustDomain: z.string().default("vcc.internal"),
  /** Directory with key.pem, chain.pem and trust.pem, renewed by the service itself. */
  identityDir: z.string(),
  /** The service's SQLite file. */
  store: z
    .strictObject({
      /** Path of the database. */
      file: z.string(),
      /** Path of its key: 64 hex digits, readable by the owner alone. DATABASE_ENCRYPTION_KEY_FILE overrides it. */
      keyFile: z.string(),
      /** sqlcipher is the format people know; aegis is faster. */
      cipher: z.enum(["sqlcipher", "aegis"]).default("sqlcipher"),
    })
    .optional(),
  /** The event bus. Without it events wait in the outbox. */
  nats: z.strictObject({ servers: z.array(z.string()).min(1) }).optional(),
  /** Where the other services are. */
  peers: z.record(z.string(), z.strictObject({ address: z.string() })).default({}),
  telemetry: z
    .strictObject({
      logLevel: z.enum(["debug", "info", "warn", "error"]).default("info"),
      /** OTLP/HTTP collector for traces. Absent: nothing is exported. */
      otlpEndpoint: z.url().optional(),
    })
    .prefault({}),
});
export type BaseConfig = z.output<typeof BaseConfig>;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads a service's YAML. `${PKI_NAME}` and `${PKI_NAME:-default}` in strings come from the environment (PKI_HOME is `var/` of the
 *  working directory unless set); PKI_PORT_OFFSET is added to every port except below `telemetry`, `clock`, `sources` and `resolvers`. Unknown keys fail.
 *  Throws CONFIG_INVALID naming the file, the key and what is wrong with it. */
export function loadConfig<S extends z.ZodType>(file: string, schema: S, env: Environment): z.output<S> {
  const tree = mapStrings(readYaml(file), (text) => expand(text, env, file));
  const offset = portOffset(env);
  const shifted = offset === 0 ? tree : shiftPorts(tree, offset);
  const result = schema.safeParse(withKeyFile(shifted, env));
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `  ${path.join(".") || "(root)"}: ${message}`);
  throw new PkiError("CONFIG_INVALID", `${file} is not a valid configuration:\n${issues.join("\n")}`);
}

function readYaml(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new PkiError("CONFIG_INVALID", `cannot read the configuration ${file}`, { cause });
  }
  const document = parseDocument(text, { uniqueKeys: true });
  const [error] = document.errors;
  if (error) throw new PkiError("CONFIG_INVALID", `${file}: ${error.message}`);
  return document.toJS({ maxAliasCount: 0 });
}

function mapStrings(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === "string") return map(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, map));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, map)]));
}

/** Only names that begin with PKI_: a configuration cannot be made to show the rest of the environment. */
function expand(text: string, env: Environment, file: string): string {
  return text.replace(/\$\{([^}]*)\}/g, (_, expression: string) => {
    const [, name = "", fallback] = /^(PKI_[A-Z0-9_]+)(?::-(.*))?$/.exec(expression) ?? [];
    const value = name === "PKI_HOME" ? resolve(env.PKI_HOME || "var") : env[name] || fallback;
    if (value === undefined) throw new PkiError("CONFIG_INVALID", `${file}: "\${${expression}}" has no value`);
    return value;
  });
}

function portOffset(env: Environment): number {
  const text = env.PKI_PORT_OFFSET || "0";
  if (!/^\d{1,5}$/.test(text)) throw new PkiError("CONFIG_INVALID", `PKI_PORT_OFFSET is not a number: "${text}"`);
  return Number(text);
}

/** Keys below which other people's servers are named: collectors, NTP servers, where services are heard of. */
const OF_OTHERS: ReadonlySet<string> = new Set(["telemetry", "clock", "sources", "resolvers"]);

/** "host:port", alone or in a URL. */
const ADDRESS = /^((?:[a-z][a-z0-9+]*:\/\/)?(?:[A-Za-z0-9._-]+|\[[0-9a-f:]+\])):(\d{1,5})(\/.*)?$/;

function shiftPorts(value: unknown, offset: number): unknown {
  if (typeof value === "string") {
    return value.replace(ADDRESS, (_, host, port, path = "") => `${host}:${Number(port) + offset}${path}`);
  }
  if (Array.isArray(value)) return value.map((item) => shiftPorts(item, offset));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => {
    if (OF_OTHERS.has(key)) return [key, item];
    if (key === "port" && typeof item === "number" && item !== 0) return [key, item + offset];
    return [key, shiftPorts(item, offset)];
  });
  return Object.fromEntries(entries);
}

/** The roadmap's variable for the database key. */
function withKeyFile(tree: unknown, env: Environment): unknown {
  const keyFile = env.DATABASE_ENCRYPTION_KEY_FILE;
  if (!keyFile || typeof tree !== "object" || tree === null || !("store" in tree)) return tree;
  return { ...tree, store: { ...(tree.store as object), keyFile } };
}
