import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createCertificationRequest, parseCertificationRequest } from "@vcc-pki/x509";
import { describe, expect, it } from "vitest";
import { CHECKS, type CheckInput } from "./checks.ts";
import { parseProfile } from "./profile.ts";

const yaml = readFileSync(new URL("../../../deploy/profiles/mtls_service.yaml", import.meta.url), "utf8");
const profile = { ...parseProfile(yaml, "2.25.1"), version: 1 };
const names = { dns: ["argus.vcc.internal"], ip: [], uri: [], email: [], otherCount: 0 };
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const csr = parseCertificationRequest(createCertificationRequest({ subjectAltNames: names, privateKey }));

const good: CheckInput = {
  ...{ csr, names, profile, standing: ["admin"], blocklist: undefined },
  scope: {
    trustDomain: "vcc.internal",
    organisation: "brandenburg",
    allowedNames: ["*.vcc.internal"],
    allowedNetworks: [],
  },
  findKeyHolder: () => undefined,
  isAuthorityKey: () => false,
  findHeldNames: () => [],
  findGrants: () => [],
};

/** The name of the first check that refuses, and its code. */
async function firstRefusal(input: CheckInput): Promise<[string, string] | undefined> {
  for (const [name, check] of CHECKS) {
    try {
      await check(input);
    } catch (error) {
      return [name, (error as { code: string }).code];
    }
  }
  return undefined;
}

describe("checks", () => {
  it("let a good request pass", async () => expect(await firstRefusal(good)).toBeUndefined());

  it.each<[string, Partial<CheckInput>, string]>([
    ["the requester may ask for this profile", { standing: ["suite", "suite:ocsp"] }, "PROFILE_NOT_ALLOWED"],
    ["there are not too many and not too few names", { names: { ...names, dns: [] } }, "NAME_NOT_ALLOWED"],
    ["a workload renews what it holds", { standing: ["workload"] }, "NAME_NOT_ALLOWED"],
    ["the key is strong", { blocklist: { has: () => true } }, "KEY_WEAK"],
    ["the key is none of our authorities'", { isAuthorityKey: () => true }, "KEY_NOT_ALLOWED"],
    [
      "the key serves one organisation and one purpose",
      { findKeyHolder: () => ({ organisation: "bayern", purpose: profile.purpose }) },
      "KEY_NOT_ALLOWED",
    ],
    [
      "the key serves one organisation and one purpose",
      { findKeyHolder: () => ({ organisation: "brandenburg", purpose: "codeSigning" }) },
      "KEY_NOT_ALLOWED",
    ],
  ])("refuse unless %s", async (name, change, code) => {
    expect(await firstRefusal({ ...good, ...change })).toEqual([name, code]);
  });

  it("let a workload renew the same names in any order, and a key be renewed for the same use", async () => {
    const two = { ...names, dns: ["a.vcc.internal", "b.vcc.internal"] };
    const held = { ...names, dns: ["b.vcc.internal", "a.vcc.internal"] };
    const holder = { organisation: "brandenburg", purpose: profile.purpose };
    const renewal = {
      ...good,
      names: two,
      standing: ["workload"] as const,
      findHeldNames: () => [held],
      findKeyHolder: () => holder,
    };
    expect(await firstRefusal(renewal)).toBeUndefined();
  });

  describe("of the discovery service", () => {
    const uri = "spiffe://vcc.internal/org/brandenburg/service/argus";
    const grant = { profile: "mtls_service", dnsNames: ["argus.vcc.internal", "b.vcc.internal"], ipAddresses: [] };
    const asked: CheckInput = {
      ...{ ...good, standing: ["granted"], names: { ...names, uri: [uri] } },
      findGrants: (service) => (service === "argus" ? [grant] : []),
    };
    const refused = ["what is not the requester's own is granted to it", "NAME_NOT_ALLOWED"];

    it("let pass what is granted, or less", async () => expect(await firstRefusal(asked)).toBeUndefined());

    it.each<[string, Partial<CheckInput>]>([
      ["without SPIFFE id", { names }],
      ["for another service", { names: { ...asked.names, uri: [`${uri}2`] } }],
      ["with a name that is not granted", { names: { ...asked.names, dns: ["c.vcc.internal"] } }],
      [
        "with names of two grants",
        {
          findGrants: () => [
            { ...grant, dnsNames: [] },
            { ...grant, profile: "other" },
          ],
        },
      ],
      ["by another profile", { findGrants: () => [{ ...grant, profile: "mtls_service_short" }] }],
      ["without grant", { findGrants: () => [] }],
    ])("refuse it %s", async (_, fields) => expect(await firstRefusal({ ...asked, ...fields })).toEqual(refused));

    it("ask an administrator for no grant", async () =>
      expect(await firstRefusal({ ...asked, standing: ["admin"], findGrants: () => [] })).toBeUndefined());
  });
});
