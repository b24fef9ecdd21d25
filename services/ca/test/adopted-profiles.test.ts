import { randomUUID } from "node:crypto";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCertificate } from "@vcc-pki/x509";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failCommit } from "./faults.ts";
import { type CaHarness, newCa, PROFILES_DIR } from "./harness.ts";

const AUTHORITY = "vcc-code-signing-ca";
const RECALL_LIST = "recall_list.yaml";
const BEFORE = ["clara_model_template", "code_signing", "ocsp_responder"];

let suite: CaHarness;
let profilesDir: string;
/** A home whose ceremony was held before there was a profile of recall lists. */
beforeEach(async () => {
  profilesDir = mkdtempSync(join(tmpdir(), "vcc-profiles-"));
  const shipped = readdirSync(PROFILES_DIR).filter((file) => file !== RECALL_LIST);
  for (const file of shipped) copyFileSync(join(PROFILES_DIR, file), join(profilesDir, file));
  suite = await newCa({ config: { profilesDir } });
  const profiles = BEFORE;
  const old = { authorityId: AUTHORITY, parentId: "vcc-root-ca", commonName: "VCC Code Signing CA", profiles };
  await suite.createAuthority({ ...old, keyAlgorithm: "ec-p256", mayIssueAuthorities: false });
});
afterEach(async () => {
  await suite.close();
  rmSync(profilesDir, { recursive: true });
});

/** The suite is started again on a later day, with this profile beside those it had. */
const release = async (file: string, yaml = readFileSync(join(PROFILES_DIR, file), "utf8")) => {
  writeFileSync(join(profilesDir, file), yaml);
  suite.clock.advance(86_400_000);
  await suite.restart();
};
const issuedBy = async (authorityId = AUTHORITY) => {
  const { authorities } = await suite.as("ceremony").authorities.list({ organisation: "" });
  return authorities.find((each) => each.authorityId === authorityId)?.profiles;
};
const adoptions = () => suite.store.audit.read(0, 10_000).filter(({ action }) => action === "authority.adopt-profiles");
const issueRecallList = () => {
  const csrDer = suite.csr({ uri: ["spiffe://vcc.internal/pki/signing"] });
  return suite.as("signing", undefined).certificates.issue({
    ...{ requestId: randomUUID(), organisation: "", profile: "recall_list", csrDer },
    ...{ authorityId: "", validitySeconds: 0 },
  });
};
const clara = readFileSync(join(PROFILES_DIR, RECALL_LIST), "utf8");

describe("a profile that came after the ceremony", () => {
  it("is issued by the authority that it names, from the next start on, once on record", async () => {
    await expect(issueRecallList()).rejects.toMatchObject({ code: "PROFILE_UNKNOWN" });
    await release(RECALL_LIST);
    expect(await issuedBy()).toEqual([...BEFORE, "recall_list"]);
    const [der = new Uint8Array()] = (await issueRecallList()).chainDer;
    expect(parseCertificate(der).subjectAltNames.uri).toEqual(["spiffe://vcc.internal/pki/signing"]);
    await suite.restart();
    expect(await issuedBy()).toEqual([...BEFORE, "recall_list"]);
    expect(adoptions()).toMatchObject([{ target: AUTHORITY, details: { profiles: ["recall_list"] } }]);
    const told = suite.store.outbox.pending(1_000).map(({ data }) => data);
    const policyId = `${AUTHORITY} issues recall_list`;
    expect(told).toContainEqual(expect.objectContaining({ policy: "authority", policyId }));
  });

  it.each<[string, string]>([
    ["another purpose", clara.replace("[codeSigning]", "[serverAuth]")],
    ["a longer life", clara.replace("validity: 30d", "validity: 9y")],
    ["another authority", clara.replace(AUTHORITY, "vcc-platform-ca")],
    ["no authority", clara.replace(/^authority:.*\n/m, "")],
  ])("of %s is not", async (_, yaml) => {
    const before = await issuedBy("vcc-platform-ca");
    await release("late.yaml", yaml.replace("profile: recall_list", "profile: late"));
    expect([await issuedBy(), await issuedBy("vcc-platform-ca"), adoptions()]).toEqual([BEFORE, before, []]);
  });

  it.each(["before", "after"] as const)(
    "is adopted once, whichever commit of the start fails, %s it is stored",
    async (when) => {
      writeFileSync(join(profilesDir, RECALL_LIST), clara);
      suite.clock.advance(86_400_000);
      // The first stores the profiles, the second what is adopted.
      for (const n of [1, 2]) {
        failCommit(suite.storeFaults, n, when);
        await expect(suite.restart(), `commit ${n}`).rejects.toThrow();
        suite.clock.advance(1);
      }
      await suite.restart();
      expect([await issuedBy(), adoptions().length]).toEqual([[...BEFORE, "recall_list"], 1]);
    },
  );
});

it("one that was there at the ceremony and not given to the authority stays so", async () => {
  await suite.createAuthority({
    ...{ authorityId: "few-ca", parentId: "vcc-root-ca", commonName: "Few", profiles: ["code_signing"] },
    ...{ keyAlgorithm: "ec-p256", mayIssueAuthorities: false },
  });
  const yaml = readFileSync(join(profilesDir, "clara_model_template.yaml"), "utf8");
  await release("clara_model_template.yaml", yaml.replace(AUTHORITY, "few-ca"));
  expect(await issuedBy("few-ca")).toEqual(["code_signing"]);
});
