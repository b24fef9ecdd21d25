import { randomUUID } from "node:crypto";
import { AuthorityState } from "@vcc-pki/proto/ca";
import { type GeneralNamesInput, parseCertificate } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { brandenburg, type CaHarness, newCa } from "./harness.ts";
import { type OpenSsl, openSsl } from "./openssl.ts";

let suite: CaHarness;
let tool: OpenSsl;
beforeAll(async () => {
  suite = await newCa({ authorities: ["vcc-services-ca", "vcc-external-orgs-ca"] });
  tool = openSsl();
});
afterAll(async () => {
  tool.close();
  await suite.close();
});

const code = (expected: string) => expect.objectContaining({ code: expected });
const seconds = () => String(Math.floor(suite.clock.now().getTime() / 1_000));

describe("a partner's authority", () => {
  const admin = "spiffe://vcc.internal/org/sachsen/admin/karl";
  const permittedDns = ["sachsen.example"];
  let authorityId = "";
  const issue = (names: GeneralNamesInput) =>
    suite.as("gateway", admin).certificates.issue({
      ...{ requestId: randomUUID(), organisation: "", profile: "external_integration", authorityId: "" },
      ...{ validitySeconds: 0, csrDer: suite.csr(names) },
    });

  it("is bound to the partner's names", async () => {
    const sachsen = {
      ...brandenburg,
      organisation: "sachsen",
      name: "Freistaat Sachsen",
      allowedNames: ["*.sachsen.example"],
    };
    await suite
      .as()
      .organisations.create({ ...sachsen, requestId: randomUUID(), authorityIds: ["vcc-external-orgs-ca"] });
    const partner = {
      ...{ organisation: "", authorityId: "sachsen-ca", parentId: "vcc-external-orgs-ca", commonName: "Sachsen CA" },
      ...{ keyAlgorithm: "ec-p256", validityDays: 0, profiles: ["external_integration"], mayIssueAuthorities: false },
      ...{ nameConstraints: undefined, quorumThreshold: 0 },
    };
    const create = (fields: object) =>
      suite.as("gateway", admin).authorities.create({ ...partner, requestId: randomUUID(), ...fields });
    await expect(create({})).rejects.toThrow(code("KEY_POLICY_INVALID"));
    const foreign = { permittedDns: ["vcc.internal"], excludedDns: [] };
    await expect(create({ nameConstraints: foreign })).rejects.toThrow(code("NAME_NOT_ALLOWED"));
    await expect(create({ parentId: "vcc-root-ca" })).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
    await expect(create({ parentId: "", profiles: [], quorumThreshold: 2 })).rejects.toThrow(
      code("CALLER_NOT_ALLOWED"),
    );

    const created = await create({ nameConstraints: { permittedDns, excludedDns: ["geheim.sachsen.example"] } });
    expect(created.state).toBe(AuthorityState.ACTIVE);
    authorityId = created.authorityId;
    const { known } = parseCertificate(created.certificateDer);
    expect(known.nameConstraints?.permitted.dns).toEqual(permittedDns);
    expect(known.nameConstraints?.excluded).toMatchObject({
      dns: ["geheim.sachsen.example"],
      ip: ["0.0.0.0/0", "::/0"],
    });
  });

  it("issues under its own name, and OpenSSL agrees with the constraints", async () => {
    const issued = await issue({ dns: ["portal.sachsen.example"] });
    expect(issued.certificate?.authorityId).toBe(authorityId);
    const { rootsDer } = await suite.as().authorities.getTrustBundle({});
    const [leaf = new Uint8Array(), ...chain] = issued.chainDer;
    tool.pem("root.pem", "CERTIFICATE", ...rootsDer);
    tool.pem("chain.pem", "CERTIFICATE", ...chain);
    const file = tool.pem("leaf.pem", "CERTIFICATE", leaf);
    expect(
      tool.run("verify", "-x509_strict", "-attime", seconds(), "-CAfile", "root.pem", "-untrusted", "chain.pem", file),
    ).toContain("OK");
  });

  it("issues nothing that its own certificate forbids, even where the organisation may use the name", async () => {
    await expect(issue({ dns: ["a.geheim.sachsen.example"] })).rejects.toThrow(code("LINT_FAILED"));
  });

  it("is invisible to others", async () => {
    await expect(suite.as().authorities.get({ organisation: "brandenburg", authorityId })).rejects.toThrow(
      code("NOT_FOUND"),
    );
  });
});
