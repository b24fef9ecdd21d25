import { readFileSync } from "node:fs";
import { type DiscoveryDoor, newDiscoveryDoor } from "@vcc-pki/gateway/discovery-harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Cli, newCli } from "./cli.ts";

const shipped = readFileSync(new URL("../../../deploy/policies/service-matrix.yaml", import.meta.url), "utf8");

const ORG = "spiffe://vcc.internal/org";

let door: DiscoveryDoor;
let cli: Cli;
beforeAll(async () => {
  door = await newDiscoveryDoor();
  cli = newCli({ ...door, trustPem: door.rootPem + door.trustPem });
});
afterAll(() => door.close());

const matrix = (...args: string[]) => cli.run("matrix", ...args);

describe("vcc-pki matrix check", () => {
  it.each([
    [0, ["argus", "clara"], /^allowed: argus may call clara \(argus\.allowed_outbound\[1\], line \d+\)$/m],
    [0, ["covina", "clara-serving", "/load_adapter", "--method", "POST"], /^allowed:/],
    [3, ["clara", "veritas"], /^denied: nothing lets clara call veritas \(no-rule\)$/m],
    [3, ["argus", "clara", "/load_adapter"], /^denied: .*registry_management.* \(permission-needed\)$/m],
    [3, [`${ORG}/brandenburg/service/argus`, "clara", "--to-organisation", "bayern"], /^denied: .* \(no-rule\)$/m],
  ])("ends with %i for %j", async (exit, args, text) => {
    const ran = await matrix("check", ...args);
    expect(ran).toMatchObject({ exit, err: "" });
    expect(ran.out).toMatch(text);
  });

  it("speaks JSON, and ends with 2 for wrong usage", async () => {
    expect((await matrix("check", "argus", "clara", "--json")).json()).toMatchObject({
      allowed: true,
      code: "allowed",
    });
    expect((await matrix("check", "argus")).exit).toBe(2);
  });
});

describe("vcc-pki matrix", () => {
  it("is shown with its rules, and as it was put", async () => {
    const { out, exit } = await matrix("show");
    expect(exit).toBe(0);
    expect(out).toMatch(/^version +as shipped$/m);
    expect(out).toMatch(/^scraper +-> +covina_ingestion +POST +\d+$/m);
    expect(out).toMatch(/^registry_management +clara +\/load_adapter \/api\/v1\/registry\/\*\* +covina$/m);
    expect((await matrix("show", "--yaml")).out).toBe(shipped);
  });

  it("says what a service can ever reach", async () => {
    const found = await matrix("reach", "vpb", "clara");
    expect(found).toMatchObject({ exit: 0, err: "" });
    expect(found.out).toMatch(/^vpb -> argus {2}\(vpb\.allowed_outbound\[0\]\)\nargus -> clara-dataset/);
    expect(await matrix("reach", "themis_database", "clara")).toMatchObject({
      ...{ exit: 3, out: "themis_database never reaches clara\n" },
    });
  });

  it("with mistakes is refused, each with its line; the one before stays", async () => {
    const wrong = shipped.replace("[covina, clara, vpb]", "[covina, klara, vpb]");
    const line = wrong.split("\n").findIndex((text) => text.includes("klara")) + 1;
    const file = cli.file("wrong.yaml", wrong);
    const dry = await matrix("put", file, "--dry-run");
    expect(dry.exit).toBe(3);
    expect(dry.out).toMatch(new RegExp(`^${line} +error +unknown-service +.*klara`, "m"));
    const put = await matrix("put", file);
    expect(put.exit).toBe(3);
    expect(put.err).toContain(`line ${line}: unknown-service`);
    expect((await matrix("diff", file)).exit).toBe(3);
    expect((await matrix("show", "--json")).json()).toMatchObject({ version: 0 });
  });

  it("is put, compared, and compared with what was", async () => {
    const file = cli.file("less.yaml", shipped.replace("[covina, clara, vpb]", "[covina, vpb]"));
    const planned = await matrix("diff", file);
    expect(planned).toMatchObject({ exit: 0, err: "" });
    expect(planned.out).toMatch(/^argus +clara-serving +removed/m);
    const put = await matrix("put", file);
    expect(put.out).toMatch(/^version +1$/m);
    expect((await matrix("put", cli.file("back.yaml", shipped), "--replaces", "7")).exit).toBe(7);
    expect((await matrix("put", cli.file("back.yaml"), "--replaces", "1")).exit).toBe(0);
    const { out } = await matrix("diff", "1", "2");
    expect(out).toMatch(/^argus +clara-serving +added/m);
    expect((await matrix("diff", "2", cli.file("back.yaml"))).out).toBe("nothing changes\n");
  });

  it("is drawn", async () => {
    for (const [name, magic] of [
      ["picture.svg", "<?xml"],
      ["picture.png", "\u{89}PNG"],
    ] as const) {
      const output = cli.file(name);
      expect(await matrix("graph", "--output", output)).toMatchObject({ exit: 0, err: "" });
      expect(readFileSync(output, "latin1").slice(0, magic.length)).toBe(magic);
    }
  });

  it("is exported for others to enforce", async () => {
    const json = JSON.parse((await matrix("export")).out);
    expect(json).toMatchObject({ format: "vcc-matrix-1", organisation: "brandenburg" });
    const [deny, allow] = parse((await matrix("export", "--format", "envoy", "--service", "clara-serving")).out);
    expect([deny, allow].map(({ typed_config: { rules } }) => rules.action)).toEqual(["DENY", "ALLOW"]);
    const output = cli.file("istio.yaml");
    const words = ["--format", "istio", "--service", "clara", "--namespace", "clara", "--output", output];
    expect((await matrix("export", ...words)).exit).toBe(0);
    expect(readFileSync(output, "utf8")).toContain("kind: AuthorizationPolicy");
    expect((await matrix("export", "--format", "envoy")).exit).toBe(2);
  });
});
