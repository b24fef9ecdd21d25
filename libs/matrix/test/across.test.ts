import { type CrossGrant, decideAcross, type Isolation } from "@vcc-pki/matrix";
import { describe, expect, it } from "vitest";

const NOW = new Date("2026-12-01T12:00:00Z");
const side = (organisation: string, service: string, isolation: Isolation = "collaborative") => ({
  organisation,
  isolation,
  words: [service],
});
const grant = (changes: Partial<CrossGrant> = {}): CrossGrant => ({
  ...{
    id: "g1",
    sourceOrganisation: "brandenburg",
    sourceService: "argus",
    targetOrganisation: "berlin",
    targetService: "clara",
  },
  ...{ isGrantedBySource: true, isGrantedByTarget: true, expiresAt: new Date("2026-12-02T00:00:00Z"), ...changes },
});
const decide = (
  grants: readonly CrossGrant[],
  source = side("brandenburg", "argus"),
  target = side("berlin", "clara"),
) => decideAcross(source, target, grants, NOW).allowed;

describe("a call between organisations", () => {
  it("is denied by default, and allowed by a grant of both", () => {
    expect(decide([])).toBe(false);
    expect(decide([grant()])).toBe(true);
    expect(decideAcross(side("brandenburg", "argus"), side("berlin", "clara"), [grant()], NOW).rule).toBe("g1");
  });

  it.each([
    ["one side alone", grant({ isGrantedByTarget: false })],
    ["the other side alone", grant({ isGrantedBySource: false })],
    ["over", grant({ expiresAt: NOW })],
    ["of another service", grant({ sourceService: "vpb" })],
    ["on another service", grant({ targetService: "covina" })],
    ["the other way round", grant({ sourceOrganisation: "berlin", targetOrganisation: "brandenburg" })],
    ["with a wildcard", grant({ targetService: "*" })],
  ])("is denied when the grant is %s", (_, each) => {
    expect(decide([each])).toBe(false);
  });

  it("with a wildcard is for federated organisations, and a strict one takes part in none", () => {
    const [source, target] = [side("brandenburg", "argus", "federated"), side("berlin", "clara", "federated")];
    expect(decide([grant({ targetService: "*" })], source, target)).toBe(true);
    expect(decide([grant({ targetService: "*" })], source, side("berlin", "clara"))).toBe(false);
    expect(decide([grant()], side("brandenburg", "argus", "strict"), target)).toBe(false);
    expect(decide([grant()], source, side("berlin", "clara", "strict"))).toBe(false);
  });
});
