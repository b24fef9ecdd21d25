import { fakeClock } from "@vcc-pki/testkit/clock";
import { buildTbsCertList, crlDistributionPoints, crlNumber, type RevocationReason } from "@vcc-pki/x509";
import { makeCa, type TestCa } from "@vcc-pki/x509/test-authority";
import { makeCodeSigner } from "@vcc-pki/x509/test-code-signer";
import { GEN_TIME, makeUnit } from "@vcc-pki/x509/test-time-stamping-unit";
import { describe, expect, it } from "vitest";
import { KeptAnswers, verifyArtefact } from "../src/index.ts";
import { newPlace } from "./place.ts";
import { newScratch } from "./scratch.ts";
import { newAdapter, policyFor, trustIn } from "./signed.ts";

const HOUR_MS = 3_600_000;

/** An adapter whose signer and time-stamping unit name the lists of their authorities, an hour after it was signed. */
async function newSubject() {
  const clock = fakeClock(new Date(GEN_TIME.getTime() + HOUR_MS));
  const place = await newPlace(() => "");
  const list = (name: string) => ({ distributionPoints: crlDistributionPoints([`${place.origin}/${name}`]) });
  const [signers, units] = [makeCa("Signers"), makeCa("Units")];
  const signer = makeCodeSigner({ ca: signers, extensions: list("signers") });
  const unit = makeUnit({ ca: units, extensions: list("units") });
  const { model, signAsBundle } = newAdapter({ signer, unit });
  const inHours = (hours: number) => new Date(clock.now().getTime() + hours * HOUR_MS);
  const crl = (ca: TestCa, revoked?: { serial: Uint8Array; revocationDate: Date; reason: RevocationReason }) =>
    ca.sign(
      buildTbsCertList({
        ...{
          signatureAlgorithm: "ecdsa-p256-sha256",
          issuer: ca.certificate.subject,
          revoked: revoked ? [revoked] : [],
        },
        ...{ thisUpdate: inHours(-0.5), nextUpdate: inHours(1), extensions: [crlNumber(1n)] },
      }),
    );
  const { directory } = newScratch();
  const online = new KeptAnswers(directory, clock);
  return {
    ...{ clock, place, inHours, signAsBundle },
    good: (path: string) => crl(path === "/signers" ? signers : units),
    revoked: (of: "signers" | "units", revocationDate: Date, reason: RevocationReason) => (path: string) => {
      const [ca, { serial }] = path === "/signers" ? [signers, signer.certificate] : [units, unit.certificate];
      return crl(ca, path === `/${of}` ? { serial, revocationDate, reason } : undefined);
    },
    offline: new KeptAnswers(directory, clock, { isOffline: true }),
    /** Names of the verdicts that do not hold when revocation has to be known. */
    async faults(graceMs = 0, kept = online) {
      const { verdicts } = await verifyArtefact(model, {
        ...{ clock, remember: false, trust: trustIn({ signer, unit }), online: { kept, graceMs } },
        policy: policyFor(signer, { revocation: "required" }),
      });
      return verdicts.filter(({ ok }) => !ok).map(({ name }) => name);
    },
  };
}

describe("an artefact that is verified online", () => {
  it("holds when the lists of both authorities say that nothing is revoked", async () => {
    const { place, good, faults } = await newSubject();
    place.says = good;
    expect(await faults()).toEqual([]);
    expect(await faults()).toEqual([]);
    expect(place.asked).toBe(2);
  });

  it("holds by a bundle as well, whose certificates are asked about", async () => {
    const { place, good, revoked, inHours, faults, signAsBundle, clock } = await newSubject();
    signAsBundle();
    place.says = good;
    expect(await faults()).toEqual([]);
    expect(place.asked).toBe(2);
    place.says = revoked("units", inHours(0), "keyCompromise");
    clock.advance(60_001);
    expect(await faults()).toEqual(["time-stamp-trust", "trust"]);
  });

  it("is refused a minute after the signer's key was reported, though the list from before is in force", async () => {
    const { place, good, revoked, inHours, faults, clock } = await newSubject();
    place.says = good;
    expect(await faults()).toEqual([]);
    place.says = revoked("signers", inHours(0), "keyCompromise");
    clock.advance(60_001);
    expect(await faults()).toEqual(["revocation"]);
  });

  it("is refused when the signer's key was compromised, and when it was revoked before it signed", async () => {
    const { place, revoked, inHours, faults } = await newSubject();
    place.says = revoked("signers", inHours(-0.6), "keyCompromise");
    expect(await faults()).toEqual(["revocation"]);
    const before = await newSubject();
    before.place.says = before.revoked("signers", before.inHours(-2), "superseded");
    expect(await before.faults()).toEqual(["revocation"]);
  });

  it("holds when the signer was replaced after it had signed", async () => {
    const { place, revoked, inHours, faults } = await newSubject();
    place.says = revoked("signers", inHours(-0.6), "superseded");
    expect(await faults()).toEqual([]);
  });

  it("is refused when the time-stamping unit was compromised", async () => {
    const { place, revoked, inHours, faults } = await newSubject();
    place.says = revoked("units", inHours(-0.6), "keyCompromise");
    expect(await faults()).toEqual(["time-stamp-trust", "trust"]);
  });

  it("goes on for the grace alone when nobody can be reached, and is never believed without an answer", async () => {
    const { place, good, faults, clock } = await newSubject();
    place.says = good;
    expect(await faults()).toEqual([]);
    await place.stop();
    clock.advance(2 * HOUR_MS);
    expect(await faults(2 * HOUR_MS)).toEqual([]);
    expect(await faults(0)).toEqual(["time-stamp-trust", "trust"]);
    const never = await newSubject();
    await never.place.stop();
    expect(await never.faults(24 * HOUR_MS)).toEqual(["time-stamp-trust", "trust"]);
  });

  it("goes by what is kept when nobody is to be asked", async () => {
    const { place, good, offline, faults } = await newSubject();
    place.says = good;
    expect(await faults(0, offline)).toEqual(["time-stamp-trust", "trust"]);
    expect(place.asked).toBe(0);
    await faults();
    expect(await faults(0, offline)).toEqual([]);
    expect(place.asked).toBe(2);
  });
});
