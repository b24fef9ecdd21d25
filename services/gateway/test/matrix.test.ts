import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Matrix } from "../src/api/matrix.ts";
import { type DiscoveryDoor, newDiscoveryDoor } from "./discovery-door.ts";
import { type Knock, refused } from "./https.ts";

const MATRIX = "/api/v1/vcc/matrix";
const CHECK = "/api/v1/vcc/communication/check";
const GRANTS = "/api/v1/vcc/grants";
const shipped = readFileSync(new URL("../../../deploy/policies/service-matrix.yaml", import.meta.url), "utf8");

let door: DiscoveryDoor;
beforeAll(async () => {
  door = await newDiscoveryDoor();
});
afterAll(() => door.close());

type Request = Omit<Knock, "port" | "trustPem">;
async function ask<T = Record<string, unknown>>(request: Request): Promise<T> {
  const answer = await door.knock(request);
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  return answer.json() as T;
}
const put = (body: object, more: Partial<Request> = {}) => door.knock({ method: "PUT", path: MATRIX, body, ...more });
const check = (body: object, as = door.admin) => ask({ path: CHECK, body, as });

describe("the matrix", () => {
  it("is read, put and numbered, and read by services", async () => {
    expect(await ask({ path: MATRIX })).toMatchObject({ organisation: "brandenburg", version: 0, yaml: shipped });
    const yaml = shipped.replace("[covina, clara, vpb]", "[covina, vpb]");
    const first = (await put({ yaml })).json();
    expect(first).toMatchObject({ version: 1, yaml, put_by: expect.stringContaining("/admin/anna") });
    expect(await check({ source_service: "argus", target_service: "clara" })).toMatchObject({ allowed: false });
    const second = (await put({ yaml: shipped, expected_version: 1 })).json();
    expect(second).toMatchObject({ version: 2 });
    const read = await ask<Matrix>({ path: MATRIX, as: door.argus });
    expect(read.document).toMatchObject({ format: "vcc-matrix-1", version: 2, types: { "clara-serving": "clara" } });
    expect(await ask({ path: `${MATRIX}?version=1` })).toMatchObject({ yaml });
    expect(await refused(put({ yaml, expected_version: 1 }))).toEqual([409, "VERSION_CONFLICT"]);
  });

  it("with a typo is refused with its line; a dry run tells the same, and changes nothing", async () => {
    const yaml = shipped.replace("[covina, clara, vpb]", "[covina, klara, vpb]");
    const line = yaml.split("\n").findIndex((text) => text.includes("klara")) + 1;
    const answer = await put({ yaml });
    expect(answer.status).toBe(422);
    expect(answer.json()).toMatchObject({
      code: "MATRIX_INVALID",
      detail: expect.stringContaining(`line ${line}: unknown-service`),
    });
    const dry = (await put({ yaml, dry_run: true })).json();
    expect(dry).toMatchObject({
      findings: expect.arrayContaining([expect.objectContaining({ line, severity: "error" })]),
    });
    expect(await ask({ path: MATRIX })).toMatchObject({ version: 2 });
  });

  it("is drawn, and says what a service can ever reach", async () => {
    const graph = `${MATRIX}/graph`;
    expect(await ask({ path: graph })).toMatchObject({
      services: expect.arrayContaining(["argus", "scraper"]),
      edges: expect.arrayContaining([expect.objectContaining({ source: "scraper", restriction: "POST" })]),
    });
    const svg = await door.knock({ path: graph, headers: { accept: "image/svg+xml" } });
    expect(svg.headers["content-type"]).toBe("image/svg+xml");
    expect(svg.text).toContain("Communication matrix of brandenburg, version 2");
    const png = await door.knock({ path: graph, headers: { accept: "image/png" } });
    expect(png.body.subarray(0, 8)).toEqual(Buffer.from("89504e470d0a1a0a", "hex"));
    expect(await ask({ path: `${MATRIX}/reach?source=vpb&target=clara` })).toMatchObject({
      reachable: true,
      path: ["vpb", "argus", "clara-dataset"],
    });
  });
});

describe("a question", () => {
  it("is answered with rule and line, to services of their own calls", async () => {
    const lines = shipped.split("\n");
    const { line, ...answer } = await check({ target_service: "clara", method: "GET", path: "/status" }, door.argus);
    expect(answer).toMatchObject({ allowed: true, code: "allowed", rule: "argus.allowed_outbound[1]" });
    expect(lines[Number(line) - 1]).toContain("clara, vpb");
    const denied = await check({ target_service: "clara", method: "POST", path: "/load_adapter" }, door.argus);
    expect(denied).toMatchObject({ allowed: false, code: "permission-needed" });
  });
});

describe("calls across organisations", () => {
  it("are granted to those alone who share", async () => {
    expect(await ask({ path: GRANTS })).toEqual({ grants: [] });
    const grant = {
      ...{ source_organisation: "brandenburg", source_service: "argus", target_organisation: "bayern" },
      ...{
        target_service: "covina",
        expires_at: new Date(door.discovery.clock.now().getTime() + 86_400_000).toISOString(),
      },
    };
    // Both are strict.
    expect(await refused(door.knock({ path: GRANTS, body: grant }))).toEqual([404, "NOT_FOUND"]);
    const nobody = "00000000-0000-4000-8000-000000000000";
    const taken = door.knock({ method: "DELETE", path: `${GRANTS}/${nobody}` });
    expect(await refused(taken)).toEqual([404, "NOT_FOUND"]);
  });
});

describe("a request is refused", () => {
  it.each<[string, () => Request, string, number]>([
    [
      "that puts, of a service",
      () => ({ method: "PUT", path: MATRIX, body: { yaml: shipped }, as: door.argus }),
      "CALLER_NOT_ALLOWED",
      403,
    ],
    [
      "for a foreign organisation",
      () => ({ path: `${MATRIX}?organisation=brandenburg`, as: door.stranger }),
      "NOT_FOUND",
      404,
    ],
    [
      "of a service about others",
      () => ({ path: CHECK, body: { source_service: "vpb", target_service: "covina" }, as: door.argus }),
      "CALLER_NOT_ALLOWED",
      403,
    ],
    ["without target", () => ({ path: CHECK, body: {} }), "REQUEST_MALFORMED", 400],
    [
      "with a key that there is not",
      () => ({ path: CHECK, body: { target_service: "clara", from: "argus" } }),
      "REQUEST_MALFORMED",
      400,
    ],
    ["with a version that is none", () => ({ path: `${MATRIX}?version=-1` }), "REQUEST_MALFORMED", 400],
    [
      "that is too large",
      () => ({ method: "PUT", path: MATRIX, body: { yaml: "x".repeat(2_000_000) } }),
      "REQUEST_TOO_LARGE",
      413,
    ],
    [
      "for a service that the matrix does not know",
      () => ({ path: `${MATRIX}/reach?source=klara&target=clara` }),
      "NOT_FOUND",
      404,
    ],
    [
      "with a grant that is none",
      () => ({ path: GRANTS, body: { source_organisation: "brandenburg" } }),
      "REQUEST_MALFORMED",
      400,
    ],
  ])("%s", async (_, request, code, status) => {
    expect(await refused(door.knock(request()))).toEqual([status, code]);
  });

  it("while the discovery service is away", async () => {
    expect(await refused(door.knockWithoutDiscovery({ path: MATRIX }))).toEqual([503, "PEER_UNAVAILABLE"]);
  });
});
