import { createTestHierarchy } from "@vcc-pki/testkit/hierarchy";
import { systemClock } from "@vcc-pki/time";
import { buildCertId, buildOcspRequest, issuerHashes, pemEncode } from "@vcc-pki/x509";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Cli, newCli, type Ran } from "./cli.ts";
import { type Entry, newAuthorityAtWork } from "./relying-party.ts";

let at: Awaited<ReturnType<typeof newAuthorityAtWork>>;
let cli: Cli;
const closers: (() => unknown)[] = [];
beforeEach(async () => {
  at = await newAuthorityAtWork();
  // A relying party: somebody with a root to trust and no certificate of their own.
  cli = newCli({ admin: { chainPem: "", keyPem: "" }, trustPem: at.hierarchy.trustPem, port: 8443 });
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  at.close();
});

const respond = async (...args: Parameters<typeof at.respond>) => void closers.push(await at.respond(...args));
const status = (pem: string, ...more: string[]): Promise<Ran> =>
  cli.run("status", cli.file("certificate.pem", pem), ...more);
const told = async (pem: string, ...more: string[]) => {
  const { exit, out, err } = await status(pem, "--json", ...more);
  return { exit, ...(out === "" ? JSON.parse(err) : JSON.parse(out)) };
};
const leafPem = ({ certificate }: Entry): string => pemEncode("CERTIFICATE", certificate.der);

describe("status by OCSP, from OpenSSL's responder", () => {
  it("is good, revoked or unknown, and the exit code says which", async () => {
    const [good, revoked, unknown] = [at.issue(), at.issue(), at.issue()];
    await respond([good, { ...revoked, revoked: "keyCompromise" }]);
    expect(await told(good.chainPem)).toMatchObject({
      ...{ exit: 0, status: "good", source: "ocsp", url: at.ocspUrl, serial_number: good.certificate.serialHex },
      next_update: expect.any(String),
    });
    expect(await told(revoked.chainPem)).toMatchObject({
      ...{ exit: 10, status: "revoked", revocation_reason: "keyCompromise", revoked_at: expect.any(String) },
    });
    expect(await told(unknown.chainPem)).toMatchObject({ exit: 11, status: "unknown" });

    const shown = await status(revoked.chainPem);
    expect([shown.exit, shown.out]).toEqual([
      10,
      expect.stringMatching(/^status +revoked\nrevoked +.*, keyCompromise\n/),
    ]);
  });

  it("finds the issuer where the certificate says when it comes alone, in PEM or DER", async () => {
    const good = at.issue();
    await respond([good]);
    expect(await told(leafPem(good))).toMatchObject({ exit: 0, status: "good" });
    const der = await cli.run("status", cli.file("certificate.der", Buffer.from(good.certificate.der)), "--json");
    expect([der.exit, der.json().status]).toEqual([0, "good"]);
  });

  it("does not believe a responder of another authority", async () => {
    const good = at.issue();
    await respond([good], at.hierarchy.root.issueAuthority("Test Issuing CA", 0));
    expect(await told(good.chainPem)).toMatchObject({ exit: 3, code: "SIGNATURE_INVALID" });
  });

  it("does not believe a certificate of a root that is not trusted", async () => {
    const foreign = createTestHierarchy({ clock: systemClock }).issue();
    expect(await told(foreign.chainPem)).toMatchObject({ exit: 3, code: "SIGNATURE_INVALID" });
  });

  it("does not take an answer that was made for somebody else's question", async () => {
    const good = at.issue(`${at.origin}/ocsp`);
    await respond([good]);
    const certId = buildCertId(issuerHashes(at.issuing.certificate).sha1, good.certificate.serial);
    const request = { method: "POST", body: Buffer.from(buildOcspRequest([certId], Buffer.alloc(32, 1))) };
    const headers = { "content-type": "application/ocsp-request" };
    const answer = await fetch(at.ocspUrl, { ...request, headers });
    at.files.set("/ocsp", new Uint8Array(await answer.arrayBuffer()));
    expect(await told(good.chainPem)).toMatchObject({
      ...{ exit: 3, code: "STATUS_NOT_PROVEN", details: { reason: "nonceDiffers" } },
    });
  });

  it.each([
    ["garbage", Buffer.from("<html>"), "DER_MALFORMED"],
    ["tryLater", Buffer.from("30030a0103", "hex"), "STATUS_NOT_PROVEN"],
  ])("says so when the responder answers %s", async (_what, bytes, code) => {
    const good = at.issue(`${at.origin}/ocsp`);
    at.files.set("/ocsp", bytes);
    expect(await told(good.chainPem)).toMatchObject({ exit: 3, code });
  });

  it("says so when nobody answers, or there is nobody to ask", async () => {
    expect(await told(at.issue().chainPem)).toMatchObject({ exit: 5, code: "PEER_UNAVAILABLE" });
    expect(await told(at.issuing.issue().chainPem)).toMatchObject({ exit: 3, code: "STATUS_NOT_PROVEN" });
    expect(await told("nothing of the kind")).toMatchObject({ exit: 3, code: "CERTIFICATE_MALFORMED" });
    expect(await told(at.issue("file:///etc/passwd").chainPem)).toMatchObject({ exit: 5, code: "PEER_UNAVAILABLE" });
  });
});

describe("status by revocation list", () => {
  const entry = ({ certificate }: Entry, reason: "keyCompromise" | "certificateHold" | "removeFromCRL") => ({
    ...{ serial: certificate.serial, revocationDate: systemClock.now(), reason },
  });

  it("stands in only when asked for", async () => {
    const [good, revoked] = [at.issue(), at.issue()];
    at.publish([entry(revoked, "keyCompromise")]);
    expect(await told(good.chainPem)).toMatchObject({ exit: 5 });
    expect(await told(good.chainPem, "--crl")).toMatchObject({ exit: 0, status: "good", source: "crl" });
    expect(await told(revoked.chainPem, "--crl")).toMatchObject({
      ...{ exit: 10, status: "revoked", revocation_reason: "keyCompromise", url: at.crlUrl },
    });
  });

  it("takes what has changed from the delta list", async () => {
    const [held, late] = [at.issue(), at.issue()];
    at.publish([entry(held, "certificateHold")], { number: 5 });
    at.publish([entry(held, "removeFromCRL"), entry(late, "keyCompromise")], { number: 6, base: 5 });
    expect(await told(held.chainPem, "--crl")).toMatchObject({ exit: 0, status: "good" });
    expect(await told(late.chainPem, "--crl")).toMatchObject({ exit: 10, status: "revoked" });
    // One that builds on a list we do not have says nothing.
    at.publish([entry(held, "removeFromCRL")], { number: 8, base: 7 });
    expect(await told(held.chainPem, "--crl")).toMatchObject({ exit: 10, revocation_reason: "certificateHold" });
  });

  it.each([
    ["out of date", { ageMs: 2 * 3_600_000 }, "STATUS_NOT_PROVEN"],
    ["from the future", { ageMs: -3_600_000 }, "STATUS_NOT_PROVEN"],
    ["of another place", { url: "http://127.0.0.1/1.crl" }, "STATUS_NOT_PROVEN"],
  ])("does not count when it is %s", async (_what, options, code) => {
    at.publish([], options);
    expect(await told(at.issue().chainPem, "--crl")).toMatchObject({ exit: 3, code });
  });

  it("does not count when somebody else signed it", async () => {
    at.publish([], { signer: at.hierarchy.root });
    expect(await told(at.issue().chainPem, "--crl")).toMatchObject({ exit: 3, code: "SIGNATURE_INVALID" });
  });
});

describe("crl show", () => {
  it("shows a list from a file, DER or PEM, or from its URL", async () => {
    const { certificate } = at.issue();
    const invalidityDate = new Date("2026-01-02T03:04:05Z");
    const revocationDate = new Date("2026-02-03T04:05:06Z");
    at.publish([{ serial: certificate.serial, revocationDate, reason: "keyCompromise", invalidityDate }], {
      number: 7,
    });
    const der = Buffer.from(at.files.get("/0.crl") ?? []);
    const sources = [at.crlUrl, cli.file("a.crl", der), cli.file("a.pem", pemEncode("X509 CRL", der))];
    for (const source of sources) {
      const { exit, out } = await cli.run("crl", "show", source);
      expect(exit).toBe(0);
      expect(out).toMatch(/number +7\nkind +full\ncovers +all\npublished +http:\/\/127\.0\.0\.1:\d+\/0\.crl\n/);
      expect(out).toMatch(
        new RegExp(`${certificate.serialHex} +2026-02-03 04:05 UTC +keyCompromise +2026-01-02 03:04 UTC`),
      );
    }
    const json = (await cli.run("crl", "show", at.crlUrl, "--json")).json();
    expect(json).toMatchObject({ crl_number: "7", kind: "full", revoked: 1, entries: [{ reason: "keyCompromise" }] });
  });

  it("shows what a delta builds on, an empty list, and no more than asked for", async () => {
    at.publish([], { number: 6, base: 5 });
    const delta = await cli.run("crl", "show", `${at.origin}/0-delta.crl`);
    expect(delta.out).toMatch(/kind +delta, from number 5[\s\S]*nothing is revoked/);
    const revocationDate = systemClock.now();
    at.publish(Array.from({ length: 3 }, () => ({ serial: at.issue().certificate.serial, revocationDate })));
    const some = await cli.run("crl", "show", at.crlUrl, "--limit", "2");
    expect(some.err).toBe("1 more; --limit 3 shows them\n");
  });

  it("refuses what is no list", async () => {
    const file = cli.file("no.crl", "nothing of the kind");
    expect((await cli.run("crl", "show", file)).exit).toBe(3);
    expect((await cli.run("crl", "show", `${at.origin}/no.crl`)).exit).toBe(4);
  });
});
