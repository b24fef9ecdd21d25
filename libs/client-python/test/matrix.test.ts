import { readFileSync, writeFileSync } from "node:fs";
import { Decider, type Matrix, matrixToJson, readMatrix } from "@vcc-pki/matrix";
import { expect, it } from "vitest";
import { findPython, PYTHON_MS, pytest } from "./python.ts";
import { newCaseDirectory } from "./written-cases.ts";

const { python, missing } = findPython("cryptography", "pytest");
const directory = newCaseDirectory();

const SHIPPED = readFileSync(new URL("../../../deploy/policies/service-matrix.yaml", import.meta.url), "utf8");
const TYPES = { "clara-training": "clara", "clara-serving": "clara", "covina-ingestion": "covina_ingestion" };
const CRAFTED = `service_communication_policies:
  a: { allowed_outbound: [b, { service: c, methods: [GET], paths: [/open/**, "/one/*/end"] }, "*_db", "x.*"], denied_outbound: [{ service: b, paths: [/admin/**] }, { service: b, methods: [DELETE] }, z_db] }
  b: { special_permissions: [registry] }
  c: { allowed_outbound: ["*"] }
  secret_db: { isolation_level: high }
  other_db: {}
  z_db: {}
  x.y: {}
special_permissions:
  registry: { service: "*_db", methods: [POST], paths: [/load, /keys/**] }
`;
const SERVICES = ["argus", "covina", "clara", "clara-serving", "covina-ingestion", "veritas", "vpb", "themis_database"];
const CRAFTED_SERVICES = [
  "a",
  "b",
  "c",
  "secret_db",
  "other_db",
  "z_db",
  "x.y",
  "xzy",
  "stranger",
  "constructor",
  "__proto__",
];
const METHODS = [undefined, "GET", "get", "POST", "DELETE"];
const PATHS = [
  ...[
    undefined,
    "/",
    "/open",
    "/open/",
    "/open/a/b",
    "/Open/a",
    "/one/two/end",
    "/one/two/three/end",
    "/admin",
    "/ADMIN/users",
  ],
  ...[
    "/load",
    "/LOAD",
    "/load_adapter",
    "/Load_Adapter/",
    "/keys/1?x=/../y",
    "/status",
    "/keys#x",
    "/x/%61dmin",
    "/%61dmin/x",
  ],
  ...[
    "",
    "open",
    "//open",
    "/open//a",
    "/./open",
    "/x/../admin",
    "/%2e%2e/admin",
    "/a%2fb",
    "/a%5Cb",
    "/a;b=c",
    "/a%3bb",
    "/a%252e",
  ],
  ...[
    "/a%00b",
    "/a%7f",
    "/%",
    "/%zz",
    "/%ff",
    "/%c3%b6l",
    "/öl",
    "/*",
    "/a b",
    `/${"a/".repeat(64)}`,
    `/${"a/".repeat(65)}`,
  ],
  ...[`/${"a".repeat(4_095)}`, `/${"a".repeat(4_096)}`],
];

function decisionsOf(matrix: Matrix, services: readonly string[]) {
  const decider = new Decider(matrix);
  return services.flatMap((source) =>
    services.flatMap((target) =>
      METHODS.flatMap((method) =>
        PATHS.map((path) => {
          const call = { source, target, ...(method !== undefined && { method }), ...(path !== undefined && { path }) };
          const { allowed, reason, rule = null, line = null } = decider.decide(call);
          return [source, target, method ?? null, path ?? null, allowed, reason, rule, line];
        }),
      ),
    ),
  );
}

const read = (yaml: string, types = {}): Matrix => {
  const { matrix, findings } = readMatrix(yaml, { types });
  if (matrix === undefined) throw new Error(JSON.stringify(findings));
  return matrix;
};

it.skipIf(python === undefined)(
  `Python decides every call as libs/matrix does${python ? "" : ` (skipped: no Python has ${missing})`}`,
  async () => {
    const shipped = read(SHIPPED, TYPES);
    const crafted = read(CRAFTED);
    const cases = [
      {
        matrix: matrixToJson(shipped, { organisation: "brandenburg", version: 3 }),
        calls: decisionsOf(shipped, SERVICES),
      },
      {
        matrix: matrixToJson(crafted, { organisation: "brandenburg", version: 1 }),
        calls: decisionsOf(crafted, CRAFTED_SERVICES),
      },
    ];
    writeFileSync(`${directory}/matrices.json`, JSON.stringify(cases));
    expect(await pytest(python ?? "", ["tests/test_matrix.py"], { VCC_CASES: directory })).toMatch(/^\d+ passed/);
  },
  PYTHON_MS,
);
