import { randomUUID } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MatrixDocument } from "@vcc-pki/matrix";
import { type CheckRequest, Finding_Severity, type PutMatrixRequest } from "@vcc-pki/proto/discovery";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ADMIN, CLARA, type DiscoveryHarness, newDiscovery, OPERATOR, STRANGER } from "./harness.ts";

const SHIPPED = new URL("../../../deploy/policies/service-matrix.yaml", import.meta.url).pathname;
const COVINA = CLARA.replace("clara", "covina");
const ARGUS = CLARA.replace("clara", "argus");

let harness: DiscoveryHarness;
let directory: string;
let file: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "vcc-matrix-"));
  file = join(directory, "service-matrix.yaml");
  copyFileSync(SHIPPED, file);
  harness = await newDiscovery({ config: { matrixFile: file } });
});
afterEach(() => {
  delete harness.storeFaults.beforeCommit;
  delete harness.storeFaults.afterCommit;
  harness.away.clear();
});
afterAll(async () => {
  await harness.close();
  rmSync(directory, { recursive: true });
});

const code = (expected: string) => expect.objectContaining({ code: expected });
const question = (source: string, targetService: string, rest: Partial<CheckRequest> = {}): CheckRequest => ({
  ...{ source, targetService, targetOrganisation: "", method: "", path: "", ...rest },
});
const check = (source: string, target: string, rest: Partial<CheckRequest> = {}, requester = ADMIN) =>
  harness.as(requester).policy.check(question(source, target, rest));
const put = (yaml: string, rest: Partial<PutMatrixRequest> = {}, requester = ADMIN) =>
  harness.as(requester).policy.putMatrix({
    ...{ requestId: randomUUID(), organisation: "", yaml, expectedVersion: 0, dryRun: false, ...rest },
  });
const inForce = (organisation = "", requester = ADMIN) =>
  harness.as(requester).policy.getMatrix({ organisation, version: 0 });
const events = (policy: string) =>
  harness.store.outbox
    .pending(10_000)
    .filter(({ type, data }) => type.startsWith("pki.policy.") && (data as { policy: string }).policy === policy)
    .map(({ type, subject, data }) => ({ type, subject, ...(data as { policyId: string; version?: number }) }));
const policies = (text: string) => `service_communication_policies:\n${text}\n`;

describe("the shipped matrix", () => {
  it("decides for an organisation that has put none, with the rule and its line", async () => {
    const lines = readFileSync(SHIPPED, "utf8").split("\n");
    const allowed = await check("argus", "clara");
    expect(allowed).toMatchObject({ allowed: true, rule: "argus.allowed_outbound[1]", code: "allowed" });
    expect(lines[allowed.line - 1]).toContain("[covina, clara, vpb]");
    expect(await check("clara", "veritas")).toMatchObject({ allowed: false, rule: "", line: 0, code: "no-rule" });
    expect(await inForce()).toMatchObject({ organisation: "brandenburg", version: 0, sha256: expect.any(Uint8Array) });
  });

  it("knows services of the catalogue by their types", async () => {
    expect(await check("argus", "clara-serving")).toMatchObject({ allowed: true });
    expect(await check("covina", "themisdb", { method: "GET", path: "/api/v1/backend/tables" })).toMatchObject({
      allowed: true,
      rule: "covina.allowed_outbound[3]",
    });
    expect(await check("argus", "clara", { method: "POST", path: "/LOAD_adapter" })).toMatchObject({
      allowed: false,
      code: "permission-needed",
    });
    expect(await check("argus", "clara", { method: "GET", path: "/a/../load_adapter" })).toMatchObject({
      allowed: false,
      code: "path-malformed",
    });
  });

  it("comes into force when its file changes; a mistake leaves the old one in force, and is told once", async () => {
    const before = await inForce();
    const shipped = readFileSync(SHIPPED, "utf8");
    writeFileSync(file, shipped.replace("[covina, clara, vpb]", "[covina, klara, vpb]"));
    await harness.discovery.runChores();
    await harness.discovery.runChores();
    expect(await inForce()).toEqual(before);
    expect(await check("argus", "clara")).toMatchObject({ allowed: true });
    const refused = events("matrix").filter(({ type }) => type === "pki.policy.refused.v1");
    expect(refused).toEqual([
      expect.objectContaining({ policyId: "shipped", detail: expect.stringMatching(/^line \d+: .*klara/) }),
    ]);

    rmSync(file);
    await harness.discovery.runChores();
    await harness.discovery.runChores();
    const gone = events("matrix").filter(({ type }) => type === "pki.policy.refused.v1");
    expect(gone.slice(1)).toMatchObject([{ detail: "line 1: syntax: the file cannot be read" }]);

    await harness.restart();
    expect(await inForce()).toEqual(before);
    expect(await harness.discovery.ready()).toMatchObject({ matrix: true });

    writeFileSync(file, shipped.replace("[covina, clara, vpb]", "[covina, vpb]"));
    await harness.discovery.runChores();
    expect(await check("argus", "clara")).toMatchObject({ allowed: false });
    writeFileSync(file, shipped);
    await harness.discovery.runChores();
    expect(await check("argus", "clara")).toMatchObject({ allowed: true });
    const versions = events("matrix").filter(({ type }) => type === "pki.policy.changed.v1");
    expect(versions.map(({ version }) => version)).toEqual([1, 2, 3]);
  });
});

describe("a matrix that an organisation puts", () => {
  const mine = policies("  argus: { allowed_outbound: [covina] }\n  covina: {}");

  it("replaces the shipped one, has versions, and leaves other organisations alone", async () => {
    const first = await put(mine);
    expect(first).toMatchObject({ organisation: "brandenburg", version: 1, yaml: mine, putBy: ADMIN });
    expect(await check("argus", "covina")).toMatchObject({ allowed: true, line: 2 });
    expect(await check("argus", "clara")).toMatchObject({ allowed: false });
    expect((await inForce("", STRANGER)).version).toBe(0);

    const second = await put(
      readFileSync(SHIPPED, "utf8"),
      { expectedVersion: 1, organisation: "brandenburg" },
      OPERATOR,
    );
    expect(second).toMatchObject({ version: 2, putBy: OPERATOR });
    await expect(put(mine, { expectedVersion: 1 })).rejects.toThrow(code("VERSION_CONFLICT"));
    expect(await check("argus", "clara")).toMatchObject({ allowed: true });
    const earlier = await harness.as().policy.getMatrix({ organisation: "", version: 1 });
    expect(earlier.yaml).toBe(mine);
    await expect(harness.as().policy.getMatrix({ organisation: "", version: 9 })).rejects.toThrow(code("NOT_FOUND"));
    expect(events("matrix").slice(-2)).toMatchObject([
      { subject: "pki.brandenburg.policy.changed", policyId: "brandenburg", version: 1 },
      { subject: "pki.brandenburg.policy.changed", policyId: "brandenburg", version: 2 },
    ]);
  });

  it("with mistakes is refused with the line of each, told, and changes nothing", async () => {
    const before = await inForce();
    const wrong = policies("  argus: { allowed_outbound: [covina, klara] }\n  covina: { allowed_outbound: [clare] }");
    const refused = put(wrong);
    await expect(refused).rejects.toThrow(code("MATRIX_INVALID"));
    await expect(refused).rejects.toThrow(/line 2: unknown-service: .*klara\nline 3: unknown-service: .*clare/);
    expect(await inForce()).toEqual(before);
    expect(events("matrix").at(-1)).toMatchObject({ type: "pki.policy.refused.v1", policyId: "brandenburg" });

    const dry = await put(wrong, { dryRun: true });
    expect(dry.findings.filter(({ severity }) => severity === Finding_Severity.ERROR).map(({ line }) => line)).toEqual([
      2, 3,
    ]);
    expect(dry).toMatchObject({ version: 0, documentJson: "" });
    expect(await inForce()).toEqual(before);
  });

  it("is what the SDKs read, with the types of the organisation's services", async () => {
    const matrix = await inForce();
    const document = JSON.parse(matrix.documentJson) as MatrixDocument;
    expect(document).toMatchObject({ format: "vcc-matrix-1", organisation: "brandenburg", version: matrix.version });
    expect(document.types["clara-serving"]).toBe("clara");
    expect(await harness.as("", CLARA).policy.getMatrix({ organisation: "", version: 0 })).toEqual(matrix);
  });

  it("counts a service by its type once it is approved, and no longer than that", async () => {
    const service = { organisation: "", service: "clara-gpu-9" };
    const may = async () => (await check("argus", service.service)).allowed;
    expect(await may()).toBe(false);
    const { registry } = harness.as();
    const requestId = () => randomUUID();
    await registry.register({ requestId: requestId(), service: { ...BLANK, ...service, type: "clara" } });
    expect(await may()).toBe(false);
    await registry.approve({ requestId: requestId(), ...service });
    expect(await may()).toBe(true);
    await registry.remove({ requestId: requestId(), ...service });
    expect(await may()).toBe(false);
  });
});

describe("a proof", () => {
  it("of what a service can reach, over others, with the rule of each step", async () => {
    const reach = (source: string, target: string) => harness.as().policy.reach({ organisation: "", source, target });
    expect(await reach("vpb", "clara")).toEqual({
      reachable: true,
      path: ["vpb", "argus", "clara-dataset"],
      rules: ["vpb.allowed_outbound[0]", "argus.allowed_outbound[1]"],
    });
    expect(await reach("themis_database", "clara")).toEqual({ reachable: false, path: [], rules: [] });
    await expect(reach("vpb", "klara")).rejects.toThrow(code("NOT_FOUND"));
    const { edges, services } = await harness.as().policy.getGraph({ organisation: "" });
    expect(services).toContain("scraper");
    expect(edges).toContainEqual(expect.objectContaining({ source: "scraper", restriction: "POST" }));
  });
});

describe("a question", () => {
  it("is a service's own to ask: as who calls, and as who is called", async () => {
    const asCovina = harness.as("", COVINA).policy;
    expect(await asCovina.check(question("", "clara"))).toMatchObject({ allowed: true });
    expect(await asCovina.check(question(ARGUS, "covina"))).toMatchObject({ allowed: true });
    expect(await asCovina.check(question("scraper", "covina"))).toMatchObject({ allowed: false });
    expect(await harness.as(COVINA).policy.check(question("", "clara"))).toMatchObject({ allowed: true });
  });

  it("comes by the thousand, answered in order", async () => {
    const checks = Array.from({ length: 1_000 }, (_, i) => question("", i % 2 ? "clara" : "argus"));
    const { decisions } = await harness.as("", COVINA).policy.checkBatch({ checks });
    expect(decisions).toHaveLength(1_000);
    expect(decisions.map(({ allowed }) => allowed)).toEqual(checks.map((_, i) => i % 2 === 1));
    const tooMany = harness.as("", COVINA).policy.checkBatch({ checks: [...checks, question("", "clara")] });
    await expect(tooMany).rejects.toThrow(code("REQUEST_TOO_LARGE"));
  });

  it.each<[string, string, CheckRequest, string]>([
    ["of others by a service", COVINA, question("argus", "clara"), "CALLER_NOT_ALLOWED"],
    [
      "in the name of another organisation's",
      COVINA,
      question("clara", "covina", { targetOrganisation: "berlin" }),
      "CALLER_NOT_ALLOWED",
    ],
    ["of a stranger's calls by an administrator", STRANGER, question(ARGUS, "clara"), "NOT_FOUND"],
    ["without who calls, by an administrator", ADMIN, question("", "clara"), "REQUEST_MALFORMED"],
    [
      "with a foreign trust domain",
      ADMIN,
      question("spiffe://evil.example/org/brandenburg/service/argus", "clara"),
      "NAME_MALFORMED",
    ],
    ["of a person's calls", ADMIN, question(ADMIN, "clara"), "REQUEST_MALFORMED"],
    ["with no target", ADMIN, question("argus", ""), "REQUEST_MALFORMED"],
    ["with a name that is none", ADMIN, question("../argus", "clara"), "REQUEST_MALFORMED"],
    [
      "with an endless path",
      ADMIN,
      question("argus", "clara", { path: `/${"a".repeat(10_000)}` }),
      "REQUEST_MALFORMED",
    ],
  ])("%s is refused", async (_, requester, asked, expected) => {
    await expect(harness.as(requester).policy.check(asked)).rejects.toThrow(code(expected));
  });
});

describe("the matrix is closed to", () => {
  const SOME = policies("  argus: {}");
  it.each<[string, () => Promise<unknown>, string]>([
    ["a service that puts one", () => put(SOME, {}, CLARA), "CALLER_NOT_ALLOWED"],
    [
      "a service's own call",
      () => harness.as("", CLARA).policy.reach({ organisation: "", source: "a", target: "b" }),
      "CALLER_NOT_ALLOWED",
    ],
    ["a service that reads another organisation's", () => inForce("berlin", CLARA), "NOT_FOUND"],
    [
      "a service that reads earlier ones",
      () => harness.as(CLARA).policy.getMatrix({ organisation: "", version: 1 }),
      "CALLER_NOT_ALLOWED",
    ],
    ["a stranger who puts one", () => put(SOME, { organisation: "brandenburg" }, STRANGER), "NOT_FOUND"],
    ["a stranger who reads one", () => inForce("brandenburg", STRANGER), "NOT_FOUND"],
    [
      "the suite's other services",
      () => harness.as("", "tsa").policy.getMatrix({ organisation: "", version: 0 }),
      "CALLER_NOT_ALLOWED",
    ],
    ["one that is too large", () => put(SOME + "#".repeat(300_000)), "REQUEST_TOO_LARGE"],
    ["no request id", () => put(SOME, { requestId: "" }), "REQUEST_MALFORMED"],
  ])("%s", async (_, attempt, expected) => {
    const before = await inForce();
    await expect(attempt()).rejects.toThrow(code(expected));
    expect(await inForce()).toEqual(before);
  });
});

describe.each(["beforeCommit", "afterCommit"] as const)("a crash, %s, of a matrix", (kind) => {
  it("leaves one in force, and the repeat puts it once", async () => {
    const { version } = await inForce();
    const request = { requestId: randomUUID() };
    const yaml = policies(`  argus: { allowed_outbound: [covina] } # ${kind}\n  covina: {}`);
    harness.storeFaults[kind] = () => {
      throw new Error("the process dies here");
    };
    await expect(put(yaml, request)).rejects.toThrow(code("STORE_UNAVAILABLE"));
    delete harness.storeFaults[kind];
    // What decides is what the database holds, in this process as after a restart.
    expect((await inForce()).version).toBe(kind === "beforeCommit" ? version : version + 1);
    await harness.restart();
    expect(await put(yaml, request)).toMatchObject({ version: version + 1, yaml });
    expect((await inForce()).version).toBe(version + 1);
    const told = events("matrix").filter((each) => each.version === version + 1 && each.policyId === "brandenburg");
    expect(told).toHaveLength(1);
  });
});

describe.each(["beforeCommit", "afterCommit"] as const)("a crash, %s, of the shipped matrix", (kind) => {
  it("leaves one in force, and it comes into force once", async () => {
    const shippedVersions = () =>
      events("matrix").flatMap(({ type, policyId, version }) =>
        type === "pki.policy.changed.v1" && policyId === "shipped" ? [version] : [],
      );
    const before = shippedVersions();
    writeFileSync(file, `${readFileSync(SHIPPED, "utf8")}# ${kind}\n`);
    harness.storeFaults[kind] = () => {
      throw new Error("the process dies here");
    };
    await harness.discovery.runChores();
    delete harness.storeFaults[kind];
    expect((await inForce("", STRANGER)).yaml).not.toBe("");
    await harness.restart();
    await harness.discovery.runChores();
    expect((await inForce("", STRANGER)).yaml).toContain(`# ${kind}`);
    expect(shippedVersions()).toEqual([...before, Number(before.at(-1)) + 1]);
  });
});

const BLANK = {
  ...{ description: "", owner: "", endpoints: [], healthUrl: "", healthDialect: "", dnsNames: [], ipAddresses: [] },
  ...{ profile: "", dependsOn: [], managedBy: "", state: "UNSPECIFIED" as never, stateReason: "", source: "" },
  ...{ certificate: undefined, approvedBy: "", approvedAt: undefined, registeredAt: undefined, changedAt: undefined },
  ...{ seenAt: undefined, version: 0 },
};
