import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { admitsKey, parseProfile, subjectOf, validityOf } from "./profile.ts";
import { readProfiles } from "./profiles.ts";

const directory = new URL("../../../deploy/profiles/", import.meta.url).pathname;
const ARC = "2.25.1";
const DAY_MS = 86_400_000;
const shipped = readProfiles(directory, ARC);
const get = (name: string) => shipped.find(({ profile }) => profile === name) ?? expect.fail(`no profile ${name}`);
const code = (expected: string) => expect.objectContaining({ code: expected });

describe("the profiles of deploy/profiles", () => {
  it("are the roadmap's and the suite's", () => {
    expect(shipped.map(({ profile }) => profile)).toEqual([
      ...[
        "admin",
        "clara_model_template",
        "code_signing",
        "external_integration",
        "mtls_service",
        "mtls_service_short",
      ],
      ...["ocsp_responder", "platform", "recall_list", "tsa_unit", "vcc_service_template"],
    ]);
  });

  it("keep the roadmap's numbers", () => {
    const service = get("vcc_service_template");
    expect(service).toMatchObject({ validity: 730 * DAY_MS, renewalThreshold: 30 * DAY_MS, autoRenewal: true });
    expect(service.names.dns?.patterns).toContain("$" + "{service_name}.vcc.internal");
    expect(get("clara_model_template")).toMatchObject({
      ...{ validity: 1825 * DAY_MS, autoRenewal: false, archiveOnRenewal: true, extendedKeyUsage: ["codeSigning"] },
    });
  });

  it("name their policies in the configured arc, each its own", () => {
    const policies = shipped.map(({ policyOid }) => policyOid);
    expect(new Set(policies).size).toBe(policies.length);
    for (const policy of policies) expect(policy).toMatch(/^2\.25\.1\.\d+$/);
  });

  it("admit no RSA key below 3072 bits and none of secp256k1", () => {
    for (const profile of shipped) {
      expect(admitsKey(profile, "rsa-2048"), profile.profile).toBe(false);
      expect(admitsKey(profile, "ec-1.3.132.0.10"), profile.profile).toBe(false);
    }
    expect(admitsKey(get("mtls_service"), "rsa-3072")).toBe(true);
    expect(admitsKey(get("clara_model_template"), "rsa-3072")).toBe(false);
  });
});

describe("a profile's YAML", () => {
  const yaml = readFileSync(`${directory}mtls_service.yaml`, "utf8");

  it.each([
    ["an unknown key", (text: string) => `${text}\nkeySize: 2048\n`],
    ["a short life with CRL and OCSP", (text: string) => text.replace("90d", "6d").replace("30d", "1d")],
    ["a long life without revocation", (text: string) => `${text}\nstatus: no-rev-avail\n`],
    ["names that are not certified", (text: string) => text.replace("names:", "names:\n  certified: false")],
    ["keyEncipherment for all keys", (text: string) => text.replace("[digitalSignature]", "[keyEncipherment]")],
    ["an OCSP responder that may be a server", (text: string) => text.replace("serverAuth", "OCSPSigning")],
    ["a renewal before the beginning", (text: string) => text.replace("30d", "90d")],
    ["a key algorithm that does not exist", (text: string) => text.replace("ec-p256", "ec-p192")],
    ["no names", (text: string) => text.replace(/names:[\s\S]*policy/, "names: {}\npolicy")],
    ["RSA below 2048", (text: string) => `${text}\nminimumRsaBits: 1024\n`],
    ["a requester that does not exist", (text: string) => text.replace("granted]", "anybody]")],
    ["a duration that is none", (text: string) => text.replace("90d", "3 months")],
  ])("with %s is refused", (_, change) => {
    expect(change(yaml)).not.toBe(yaml);
    expect(() => parseProfile(change(yaml), ARC)).toThrow(code("CONFIG_INVALID"));
  });
});

describe("validity", () => {
  const now = new Date("2026-11-23T12:00:00.700Z");
  const issuer = { notBefore: new Date("2026-01-01T00:00:00Z"), notAfter: new Date("2030-01-01T00:00:00Z") };
  const rules = { backdateMs: 300_000, beyondIssuer: "truncate" } as const;
  const days = (count: number) => ({ validity: count * DAY_MS });

  it("counts both ends and the backdating", () => {
    const { notBefore, notAfter } = validityOf(days(1), issuer, now, rules);
    expect(notBefore.toISOString()).toBe("2026-11-23T11:55:00.000Z");
    expect(notAfter.toISOString()).toBe("2026-11-24T11:54:59.000Z");
  });

  it("never begins before the issuer does", () => {
    const young = { ...issuer, notBefore: new Date("2026-11-23T11:59:00Z") };
    expect(validityOf(days(1), young, now, rules).notBefore).toEqual(young.notBefore);
  });

  it("never outlives the issuer: cut short, or refused", () => {
    expect(validityOf(days(5000), issuer, now, rules).notAfter).toEqual(issuer.notAfter);
    expect(() => validityOf(days(5000), issuer, now, { ...rules, beyondIssuer: "refuse" })).toThrow(
      code("VALIDITY_NOT_ALLOWED"),
    );
    expect(() => validityOf(days(1), { ...issuer, notAfter: now }, now, rules)).toThrow(code("VALIDITY_NOT_ALLOWED"));
  });

  it("may be asked to be shorter, within reason, and not longer", () => {
    const { notBefore, notAfter } = validityOf(days(90), issuer, now, rules, DAY_MS);
    expect(notAfter.getTime() - notBefore.getTime()).toBe(DAY_MS - 1_000);
    expect(() => validityOf(days(90), issuer, now, rules, 91 * DAY_MS)).toThrow(code("VALIDITY_NOT_ALLOWED"));
    expect(() => validityOf(days(90), issuer, now, rules, 300_000)).toThrow(code("VALIDITY_NOT_ALLOWED"));
  });
});

describe("subject", () => {
  const names = { dns: [], ip: [], uri: [], email: [], otherCount: 0 };
  const text = (name: { rdns: readonly (readonly { value: string | undefined }[])[] }) =>
    name.rdns.flat().map(({ value }) => value);

  it("is the organisation and the first name", () => {
    expect(text(subjectOf("Land Brandenburg", { ...names, dns: ["argus.vcc.internal", "b"] }))).toEqual([
      "Land Brandenburg",
      "argus.vcc.internal",
    ]);
  });

  it("has no common name when the first name is longer than 64 characters", () => {
    expect(text(subjectOf("VCC", { ...names, dns: [`${"a".repeat(60)}.vcc.internal`] }))).toEqual(["VCC"]);
  });
});
