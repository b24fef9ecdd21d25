import { sign } from "node:crypto";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { createTestHierarchy } from "@vcc-pki/testkit/hierarchy";
import {
  assembleOcspResponse,
  authorityInfoAccess,
  buildCertId,
  buildResponseData,
  buildTbsCertList,
  type CertStatus,
  crlDistributionPoints,
  crlNumber,
  issuerHashes,
  ocspErrorResponse,
  type RevocationReason,
  revocationAt,
  sha1KeyIdentifier,
} from "@vcc-pki/x509";
import { describe, expect, it } from "vitest";
import { gatherEvidence, KeptAnswers } from "../src/index.ts";
import { newPlace } from "./place.ts";
import { newScratch } from "./scratch.ts";

const HOUR_MS = 3_600_000;

/** A certificate that names a responder and a list at a place of its own, and what is said there. */
async function newSubject() {
  const clock = fakeClock();
  const place = await newPlace(() => "");
  const { issuing, root } = createTestHierarchy({ clock });
  const issued = issuing.issue({
    extensions: [
      authorityInfoAccess({ ocsp: [`${place.origin}/ocsp`] }),
      crlDistributionPoints([`${place.origin}/crl`]),
    ],
  });
  const { certificate } = issued;
  const inHours = (hours: number) => new Date(clock.now().getTime() + hours * HOUR_MS);
  const entry = { revocationDate: inHours(-2), reason: "keyCompromise" as RevocationReason };
  const kept = new KeptAnswers(newScratch().directory, clock);
  return {
    ...{ clock, place, certificate, inHours },
    /** A list of the issuer, or of another. */
    crl: (isRevoked = false, by = issuing) =>
      by.sign(
        buildTbsCertList({
          ...{ signatureAlgorithm: "ecdsa-p256-sha256", issuer: issuing.certificate.subject },
          ...{ thisUpdate: inHours(-1), nextUpdate: inHours(1) },
          revoked: isRevoked ? [{ serial: certificate.serial, ...entry }] : [],
          extensions: [crlNumber(1n)],
        }),
      ),
    ocsp: (status: CertStatus = { status: "good" }, by = issuing) => {
      const certIdDer = buildCertId(issuerHashes(issuing.certificate).sha1, certificate.serial);
      const data = buildResponseData(sha1KeyIdentifier(by.spkiDer), {
        producedAt: inHours(-1),
        responses: [{ certIdDer, ...status, thisUpdate: inHours(-1), nextUpdate: inHours(1) }],
      });
      return assembleOcspResponse(data, "ecdsa-p256-sha256", sign("sha256", data, by.privateKey));
    },
    root,
    /** What the evidence says of now. */
    async status(graceMs = 0) {
      const pool = [issuing.certificate, root.certificate];
      const { evidence, problems } = await gatherEvidence([certificate], pool, { kept, clock, graceMs });
      const { status } = revocationAt(certificate, issuing.certificate, inHours(-0.5), evidence);
      return [status, problems.length];
    },
  };
}

describe("evidence of revocation", () => {
  it("is the responder's answer, asked for once while it is in force", async () => {
    const { place, ocsp, status } = await newSubject();
    place.says = (path) => (path.startsWith("/ocsp/") ? ocsp() : "");
    expect(await status()).toEqual(["good", 0]);
    expect(await status()).toEqual(["good", 0]);
    expect(place.asked).toBe(1);
  });

  it("says what is revoked", async () => {
    const { place, ocsp, status, inHours } = await newSubject();
    const revoked: CertStatus = { status: "revoked", revocationTime: inHours(-2), reason: "keyCompromise" };
    place.says = () => ocsp(revoked);
    expect(await status()).toEqual(["revoked", 0]);
    const other = await newSubject();
    other.place.says = (path) => (path === "/crl" ? other.crl(true) : "");
    expect(await other.status()).toEqual(["revoked", 1]);
  });

  it("is the list where the responder gives none, and says that it gave none", async () => {
    const { place, crl, status } = await newSubject();
    place.says = (path) => (path === "/crl" ? crl() : ocspErrorResponse("tryLater"));
    expect(await status()).toEqual(["good", 1]);
  });

  it("is nothing that another has signed", async () => {
    const { place, crl, ocsp, root, status } = await newSubject();
    place.says = (path) => (path === "/crl" ? crl(false, root) : ocsp({ status: "good" }, root));
    expect(await status()).toEqual(["unknown", 2]);
  });

  it("is nothing that is out of date, or from the future", async () => {
    for (const hours of [2, -2]) {
      const { place, crl, ocsp, status, clock } = await newSubject();
      const [list, answer] = [crl(), ocsp()];
      place.says = (path) => (path === "/crl" ? list : answer);
      clock.step(hours * HOUR_MS);
      expect((await status(24 * HOUR_MS))[1]).toBe(2);
    }
  });

  it("outlasts its time by the grace alone, when nobody can be reached", async () => {
    const { place, ocsp, status, clock } = await newSubject();
    place.says = () => ocsp();
    await status();
    await place.stop();
    clock.advance(2 * HOUR_MS);
    expect((await status(0))[1]).toBe(2);
    expect((await status(2 * HOUR_MS))[1]).toBe(0);
    clock.advance(2 * HOUR_MS);
    expect((await status(2 * HOUR_MS))[1]).toBe(2);
  });

  it("says that a certificate is revoked when what said so has run out, too", async () => {
    const { place, crl, status, clock } = await newSubject();
    const list = crl(true);
    place.says = (path) => (path === "/crl" ? list : "");
    expect((await status())[0]).toBe("revoked");
    await place.stop();
    clock.advance(24 * HOUR_MS);
    expect((await status(0))[0]).toBe("revoked");
  });

  it("keeps what was right when rubbish comes instead", async () => {
    const { place, ocsp, status, clock } = await newSubject();
    place.says = () => ocsp();
    await status();
    place.says = () => "rubbish";
    clock.advance(2 * HOUR_MS);
    expect((await status(2 * HOUR_MS))[1]).toBe(0);
  });
});
