/** How services say how they are. "auto" reads each of the others' answers, and no body at all by its status code.
 *  - status: {"status": "healthy" | "ok" | "alive" | "degraded" | …}
 *  - ready: {"ready": true}, perhaps with dependencies
 *  - components: the same as status, and {"components": {name: {"status": …} | "healthy" | true}}
 *  - http: the status code alone */
export const HEALTH_DIALECTS = ["auto", "status", "ready", "components", "http"] as const;

export type HealthDialect = (typeof HEALTH_DIALECTS)[number];

export type Health = "healthy" | "degraded" | "unhealthy" | "unknown";

export interface HealthReport {
  readonly health: Health;
  /** For people: what it was read from. */
  readonly reason: string;
}

const WORDS: Readonly<Record<string, Health>> = {
  ...of("healthy", "healthy", "ok", "alive", "up", "ready", "running", "pass", "serving", "green", "operational"),
  ...of("degraded", "degraded", "warn", "warning", "partial", "yellow", "starting"),
  ...of(
    "unhealthy",
    "unhealthy",
    "down",
    "error",
    "fail",
    "failed",
    "critical",
    "dead",
    "not_serving",
    "red",
    "stopped",
  ),
};

function of(health: Health, ...words: string[]): Record<string, Health> {
  return Object.fromEntries(words.map((word) => [word, health]));
}

const report = (health: Health, reason: string): HealthReport => ({ health, reason });

/** What an answer says. A body is believed in what is bad; what is good needs the status code as well. Pure; nothing in a body makes it throw. */
export function readHealth(dialect: HealthDialect, statusCode: number, body: string): HealthReport {
  if (statusCode >= 300 && statusCode < 400) return report("unknown", `HTTP ${statusCode}: redirects are not followed`);
  if (statusCode === 401 || statusCode === 403) return report("unknown", `HTTP ${statusCode}: it does not tell us`);
  const said = dialect === "http" ? undefined : readBody(dialect, body);
  if (statusCode >= 500) return report("unhealthy", said ? `HTTP ${statusCode}, ${said.reason}` : `HTTP ${statusCode}`);
  if (statusCode < 200 || statusCode >= 300) return report("unknown", `HTTP ${statusCode}`);
  if (said !== undefined) return said;
  if (dialect === "http" || (dialect === "auto" && body.trim() === "")) return report("healthy", `HTTP ${statusCode}`);
  return report("unknown", `HTTP ${statusCode}, and nothing that "${dialect}" understands`);
}

function readBody(dialect: Exclude<HealthDialect, "http">, body: string): HealthReport | undefined {
  const json = parseObject(body);
  // One word as text or as a JSON string: {"status": …} was too long for some.
  if (json === undefined)
    return dialect === "auto" || dialect === "status" ? readWord(body.replace(/^\s*"|"\s*$/g, "")) : undefined;
  const readers = {
    status: () => readWord(json.status),
    ready: () => readReady(json),
    components: () => worst([readWord(json.status), readComponents(json.components)]),
    auto: () => worst([readWord(json.status), readReady(json), readComponents(json.components)]),
  };
  return readers[dialect]();
}

function readWord(word: unknown): HealthReport | undefined {
  if (typeof word !== "string") return undefined;
  const key = word.trim().toLowerCase();
  const health = Object.hasOwn(WORDS, key) ? WORDS[key] : undefined;
  return health && report(health, `status "${key}"`);
}

function readReady({ ready, alive }: Readonly<Record<string, unknown>>): HealthReport | undefined {
  if (ready === false || alive === false) return report("unhealthy", ready === false ? "not ready" : "not alive");
  return ready === true || alive === true ? report("healthy", ready === true ? "ready" : "alive") : undefined;
}

/** A part that is down leaves the whole degraded, unless its status says worse. */
function readComponents(components: unknown): HealthReport | undefined {
  if (typeof components !== "object" || components === null) return undefined;
  const named = Array.isArray(components)
    ? components.map((each) => [String(each?.name ?? "?"), each] as const)
    : Object.entries(components);
  const bad = named.filter(([, each]) => isBad(each)).map(([name]) => name.slice(0, 64));
  return bad.length === 0 ? undefined : report("degraded", `not healthy: ${bad.slice(0, 5).join(", ")}`);
}

function isBad(component: unknown): boolean {
  if (typeof component === "boolean") return !component;
  const { status = component, healthy } = (component ?? {}) as { status?: unknown; healthy?: unknown };
  const health = readWord(status)?.health;
  return healthy === false || status === false || (health !== undefined && health !== "healthy");
}

const RANK: Readonly<Record<Health, number>> = { unhealthy: 3, degraded: 2, healthy: 1, unknown: 0 };

function worst(reports: readonly (HealthReport | undefined)[]): HealthReport | undefined {
  const said = reports.filter((each) => each !== undefined);
  return said.toSorted((a, b) => RANK[b.health] - RANK[a.health])[0];
}

function parseObject(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
