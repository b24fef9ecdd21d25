import type { Import } from "./imports.ts";

/** Each layer may use itself only where said, and every layer before it. The order of CONTRIBUTING.md, section "Who may import whom". */
const LAYERS: readonly (readonly string[])[] = [
  ["proto", "errors", "time", "merkle"],
  ["x509", "telemetry", "store", "matrix"],
  ["artefact", "network"],
  ["rpc", "events"],
  ["signer", "service", "client"],
];

/** Within a layer, the uses that are meant: time fails with PkiError, records carry log context, a service is started with its bus and RPC. */
const WITHIN_LAYER: Readonly<Record<string, readonly string[]>> = {
  time: ["errors"],
  store: ["telemetry"],
};

/** The one place that may know a library. */
const OWNED: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^@peculiar\//, ["libs/x509"]],
  [/^better-sqlite3/, ["libs/store"]],
  [/^@grpc\//, ["libs/rpc"]],
  [/^@nats-io\//, ["libs/events"]],
  [/^pkcs11js$/, ["services/hsm-gateway"]],
  [/^fastify$|^@fastify\//, ["services/gateway"]],
  [/^pino$/, ["libs/telemetry"]],
  [/^jose$/, ["services/discovery"]],
];

/** Policy and arithmetic that must stay free of the world: no network, no database, no files. */
const PURE_FILES = /^services\/[^/]+\/src\/(profile|checks|admit)\.ts$|^libs\/(x509|artefact)\/src\//;
/** Arithmetic on another thread: octets in, verdicts out. */
const THREADED_FILES = /^libs\/x509\/src\/verification-(thread|worker)\.ts$/;
const IMPURE =
  /^(node:(fs|net|tls|http|https|http2|child_process|worker_threads)|@vcc-pki\/(rpc|store|events|service))/;

const layerOf = (lib: string): number => LAYERS.findIndex((layer) => layer.includes(lib));

/** The imports that break the rule of the house, each with the reason. */
export function findViolations(imports: readonly Import[]): string[] {
  const violations: string[] = [];
  for (const entry of imports) {
    const reason = reasonAgainst(entry);
    if (reason) violations.push(`${entry.file} imports ${entry.specifier}: ${reason}`);
  }
  return violations;
}

function reasonAgainst({ file, from, specifier, isTest }: Import): string | undefined {
  const owner = OWNED.find(([pattern]) => pattern.test(specifier));
  if (owner && !owner[1].includes(from) && !isTest) return `only ${owner[1].join(", ")} may`;
  if (PURE_FILES.test(file) && !isTest && IMPURE.test(specifier) && !isOwnThread(file, specifier))
    return "this file is pure";

  const target = /^@vcc-pki\/([^/]+)/.exec(specifier)?.[1];
  if (target === undefined) return relativeEscape(file, specifier);
  if (target === "testkit")
    return isTest || from === "libs/testkit" || from === "tools/bench" ? undefined : "testkit is for tests";

  const [area, name = ""] = from.split("/");
  if (layerOf(target) === -1) return serviceBorder(area, isTest, target);
  if (area !== "libs" || name === "testkit" || isTest) return undefined;
  if (layerOf(target) < layerOf(name)) return undefined;
  return WITHIN_LAYER[name]?.includes(target) ? undefined : `${name} stands below ${target}`;
}

const isOwnThread = (file: string, specifier: string): boolean =>
  THREADED_FILES.test(file) && specifier === "node:worker_threads";

/** Services meet through proto and events; only tests and the tools that assemble a suite in one process look inside. */
function serviceBorder(area: string | undefined, isTest: boolean, target: string): string | undefined {
  return area === "tools" || isTest ? undefined : `${target} is a service or a tool of its own`;
}

function relativeEscape(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  const depth = file.split("/").length - 3;
  const ups = specifier.split("/").filter((part) => part === "..").length;
  return ups > depth ? "packages meet by name, not by path" : undefined;
}
