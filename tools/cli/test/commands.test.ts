import { newSuite, type Suite } from "@vcc-pki/gateway/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cli, newCli } from "./cli.ts";

let suite: Suite;
let cli: Cli;
beforeAll(async () => {
  suite = await newSuite();
  cli = newCli(suite);
});
afterAll(() => suite.close());

describe("ca", () => {
  it("tree draws the hierarchy the operator sees", async () => {
    const { exit, out } = await cli.run("--organisation", "vcc", "ca", "tree");
    expect(exit).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^vcc-root-ca \[vcc-root-ca\] · ec-p256 · valid to \d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
    expect(lines.slice(1).map((line) => line.slice(0, 4))).toEqual(["├── ", "├── ", "├── ", "└── "]);
  });

  it("list and chain", async () => {
    expect((await cli.run("ca", "list")).out).toMatch(
      /^ID +SUBJECT +KEY +STATE +EXPIRES +TOKEN\n[\s\S]*software token/,
    );
    expect((await cli.run("ca", "chain", "vcc-services-ca")).out.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });

  it("create, custodians, create: the whole way of an authority under quorum", async () => {
    const create = () =>
      cli.run(
        ...[
          "--organisation",
          "vcc",
          "ca",
          "create",
          "vcc-new-ca",
          "--parent",
          "vcc-root-ca",
          "--common-name",
          "VCC New CA",
        ],
        ...["--key-algorithm", "ec-p256", "--may-issue-authorities", "--request-id", "new-ca"],
      );
    const waits = await create();
    expect([waits.exit, waits.err.includes("hint: custodians decide")]).toEqual([6, true]);
    const id = /approvalId: (\S+)/.exec(waits.err)?.[1] ?? "";
    expect((await cli.run("approval", "list", "--state", "pending")).out).toContain(id);
    expect((await cli.run("approval", "show", id)).out).toMatch(/subject +CN=VCC New CA[\s\S]*issuer +CN=vcc-root-ca/);

    const [anna, bert] = suite.custodians.map(({ custodianId, privateKey }) => ({
      custodianId,
      key: cli.file(`${custodianId}.pem`, privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
    }));
    const sign = (who: typeof anna, ...more: string[]) =>
      cli.run("approval", "sign", id, "--key", who?.key ?? "", "--custodian", who?.custodianId ?? "", ...more);
    expect((await sign(anna)).exit).toBe(2);
    const first = await sign(anna, "--yes");
    expect([first.exit, first.out]).toEqual([0, `${id}: pending, 1 of 2 approved\n`]);
    expect(first.err).toContain("CN=VCC New CA");
    const stolen = await cli.run(
      "approval",
      "sign",
      id,
      "--key",
      anna?.key ?? "",
      "--custodian",
      "bert",
      "--yes",
      "--json",
    );
    expect([stolen.exit, JSON.parse(stolen.err).code]).toEqual([3, "APPROVAL_INVALID"]);
    expect((await sign(bert, "--yes")).out).toContain("executed");
    expect((await create()).exit).toBe(0);
  });

  it("a refusal by custodians ends it", async () => {
    const create = () =>
      cli.run(
        ...[
          "--organisation",
          "vcc",
          "ca",
          "create",
          "vcc-no-ca",
          "--parent",
          "vcc-root-ca",
          "--common-name",
          "VCC No CA",
        ],
        ...["--key-algorithm", "ec-p256", "--may-issue-authorities", "--request-id", "no-ca", "--json"],
      );
    const id = JSON.parse((await create()).err).details.approvalId;
    for (const { custodianId, privateKey } of suite.custodians.slice(0, 2)) {
      const key = cli.file(`${custodianId}.pem`, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
      await cli.run("approval", "sign", id, "--key", key, "--custodian", custodianId, "--refuse", "--yes");
    }
    expect((await cli.run("approval", "list", "--state", "refused")).out).toContain(id);
  });

  it("revoke", async () => {
    const id = "short-lived-ca";
    const made = await cli.run(
      ...[
        "ca",
        "create",
        id,
        "--parent",
        "vcc-external-orgs-ca",
        "--common-name",
        "Short",
        "--key-algorithm",
        "ec-p256",
      ],
      ...["--profile", "external_integration", "--permit-dns", "partner.vcc.internal", "--json"],
    );
    expect([made.exit, made.err]).toEqual([0, ""]);
    expect((await cli.run("ca", "revoke", id, "--reason", "cessation-of-operation", "--yes")).out).toBe(
      `${id} is revoked\n`,
    );
  });
});

it("profile list and show", async () => {
  expect((await cli.run("profile", "list")).out).toMatch(/mtls_service +vcc-services-ca +90d/);
  expect((await cli.run("profile", "show", "mtls_service")).out).toContain("validity: 90d");
  expect((await cli.run("profile", "show", "nothing")).exit).toBe(4);
});

it("org create, grant, list", async () => {
  const operator = "spiffe://vcc.internal/org/vcc/admin/operator";
  const create = [
    "org",
    "create",
    "sachsen",
    "--name",
    "Sachsen",
    "--allow",
    "*.sachsen.example",
    "--authority",
    "vcc-services-ca",
  ];
  expect((await cli.run(...create)).exit).toBe(0);
  expect((await cli.run(...create)).exit).toBe(7);
  expect((await cli.run("cert", "list", "--organisation", "sachsen")).exit).toBe(4);
  expect((await cli.run("org", "grant", "sachsen", operator)).exit).toBe(0);
  expect((await cli.run("--organisation", "sachsen", "cert", "list")).exit).toBe(0);
  expect((await cli.run("org", "list")).out).toMatch(/sachsen +Sachsen +strict +\*\.sachsen\.example/);
  expect((await cli.run("org", "revoke-grant", "sachsen", operator)).exit).toBe(0);
});

it("events tail shows what happened", async () => {
  const issued = await cli.run(
    ...["cert", "issue", "--profile", "mtls_service", "--name", "seen.vcc.internal", "--json"],
    ...["--key-out", cli.file("seen-key.pem"), "--out", cli.file("seen.pem")],
  );
  const id = String(issued.json().cert_id);
  await cli.run("cert", "revoke", id, "--reason", "superseded", "--yes");
  await suite.told();
  const tail = await cli.run("events", "tail", "--last", "2", "--limit", "2");
  expect(tail.exit).toBe(0);
  expect(tail.out).toMatch(
    new RegExp(`certificate\\.issued +certificateId=${id} [\\s\\S]*certificate\\.revoked +certificateId=${id} `),
  );
  const json = await cli.run("events", "tail", "--last", "1", "--limit", "1", "--json");
  expect(json.json()).toMatchObject({
    type: "pki.certificate.revoked.v1",
    data: { certificateId: id, reason: "superseded" },
  });
});
