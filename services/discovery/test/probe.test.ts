import { generateKeyPairSync } from "node:crypto";
import { AddressGuard } from "@vcc-pki/network";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { createTestHierarchy, type TestKeyPair } from "@vcc-pki/testkit/hierarchy";
import {
  authorityKeyIdentifier,
  buildTbsCertList,
  crlNumber,
  OID,
  parseCertificateList,
  sha1KeyIdentifier,
} from "@vcc-pki/x509";
import { afterEach, describe, expect, it } from "vitest";
import { Prober, type ProbeTarget } from "../src/probe/probe.ts";
import { answering, closeServers, http, servePlain, serveTls, stapleOf, type TestServer } from "./tls-servers.ts";

const clock = fakeClock();
const ours = createTestHierarchy({ clock });
const others = createTestHierarchy({ clock });
const NAMED = { subjectAltNames: { dns: ["argus.vcc.internal"] } };
const trust = { anchors: [ours.root.certificate], intermediates: [ours.issuing.certificate], crls: [] as const };
const days = (count: number) => new Date(clock.now().getTime() + count * 86_400_000);

function weakKey(): TestKeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  return {
    keyAlgorithm: "rsa-3072",
    privateKey,
    spkiDer: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
  };
}

/** Every name of the tests is this host. */
const guard = new AddressGuard(["127.0.0.0/8"], async () => ["127.0.0.1"]);

const newProber = (more: object = {}) => new Prober({ guard, trust, clock, timeoutMs: 5_000, ...more });

const target = ({ port }: TestServer, more: Partial<ProbeTarget> = {}): ProbeTarget => ({
  ...{ host: "argus.vcc.internal", port, scheme: "https", name: "argus.vcc.internal" },
  ...more,
});

afterEach(closeServers);

describe("verdicts", () => {
  it("ours, with all that was served", async () => {
    const leaf = ours.issue({
      subjectAltNames: { dns: ["argus.vcc.internal"], uri: ["spiffe://vcc.internal/org/a/service/argus"] },
    });
    const seen = await newProber().probe(target(await serveTls(leaf)));
    expect(seen).toMatchObject({
      verdict: "ours",
      reason: "pathToOurRoot",
      isOurs: true,
      stapled: "none",
      protocol: "TLSv1.3",
    });
    expect(seen.address).toBe("127.0.0.1");
    expect(seen.chain.map(({ der }) => Buffer.from(der))).toEqual(
      [leaf.certificate, ours.issuing.certificate].map(({ der }) => Buffer.from(der)),
    );
    expect(seen.chain[0]).toMatchObject({
      ...{ keyAlgorithm: "ec-p256", signatureAlgorithm: "ecdsa-with-SHA256", serialHex: leaf.certificate.serialHex },
      ...{ uris: ["spiffe://vcc.internal/org/a/service/argus"], notAfter: leaf.certificate.notAfter },
      issuer: "O=VCC Test, CN=Test Issuing CA",
    });
  });

  it("ours, also where the server forgets its issuer, or speaks TLS 1.2", async () => {
    const { keyPem, chainPem } = ours.issue(NAMED);
    const alone = { keyPem, chainPem: chainPem.slice(0, chainPem.indexOf("-----END") + 26) };
    const seen = await newProber().probe(target(await serveTls(alone, { maxVersion: "TLSv1.2" })));
    expect(seen).toMatchObject({ verdict: "ours", protocol: "TLSv1.2" });
    expect(seen.chain).toHaveLength(1);
  });

  it.each([
    ["foreign", "otherIssuer", () => others.issue(NAMED)],
    ["foreign", "otherIssuer", () => others.issue()],
    ["expired", "expired", () => ours.issue({ ...NAMED, notAfter: days(-1), notBefore: days(-2) })],
    ["expired", "expired", () => others.issue({ ...NAMED, notAfter: days(-1), notBefore: days(-2) })],
    ["wrong_name", "otherName", () => ours.issue({ subjectAltNames: { dns: ["covina.vcc.internal"] } })],
    ["invalid", "notYetValid", () => ours.issue({ ...NAMED, notBefore: days(1) })],
    ["invalid", "purpose", () => ours.issue({ ...NAMED, extendedKeyUsages: [OID.clientAuth] })],
    ["invalid", "keyNotAllowed", () => ours.issue({ ...NAMED, key: weakKey() })],
  ] as const)("%s: %s", async (verdict, reason, leaf) => {
    const server = await serveTls(leaf(), { ciphers: "DEFAULT:@SECLEVEL=0" });
    expect(await newProber().probe(target(server))).toMatchObject({ verdict, reason });
  });

  it("self-signed", async () => {
    const { privateKey, certificate } = others.root;
    const served = {
      keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      chainPem: `-----BEGIN CERTIFICATE-----\n${Buffer.from(certificate.der).toString("base64")}\n-----END CERTIFICATE-----\n`,
    };
    expect(await newProber().probe(target(await serveTls(served)))).toMatchObject({
      verdict: "self_signed",
      isOurs: false,
    });
  });

  it("no name is wrong where none was asked for", async () => {
    const server = await serveTls(ours.issue(NAMED));
    const seen = await newProber().probe(target(server, { host: "127.0.0.1", name: undefined }));
    expect(seen.verdict).toBe("ours");
    expect(await newProber().probe(target(server, { host: "127.0.0.1", name: "127.0.0.1" }))).toMatchObject({
      verdict: "wrong_name",
    });
  });

  it("revoked, by a list", async () => {
    const leaf = ours.issue(NAMED);
    const tbs = buildTbsCertList({
      ...{
        signatureAlgorithm: "ecdsa-p256-sha256",
        issuer: ours.issuing.certificate.subject,
        thisUpdate: days(-1),
        nextUpdate: days(1),
      },
      revoked: [{ serial: leaf.certificate.serial, revocationDate: days(-1), reason: "keyCompromise" }],
      extensions: [authorityKeyIdentifier(sha1KeyIdentifier(ours.issuing.spkiDer)), crlNumber(1)],
    });
    const crls = [parseCertificateList(ours.issuing.sign(tbs))];
    const seen = await newProber({ trust: { ...trust, crls } }).probe(target(await serveTls(leaf)));
    expect(seen).toMatchObject({ verdict: "revoked", reason: "revokedByList" });
  });
});

describe("stapled OCSP responses", () => {
  const leaf = ours.issue(NAMED);
  const REVOKED = { status: "revoked", revocationTime: days(-1), reason: "keyCompromise" } as const;
  const staple = (status: Parameters<typeof stapleOf>[2], signer = ours.issuing) =>
    stapleOf(ours.issuing, leaf.certificate, status, clock.now(), signer);
  const stapled = async (der: Uint8Array, served = leaf) =>
    newProber().probe(target(await serveTls(served, { staple: der })));

  it("that are good", async () => {
    expect(await stapled(staple({ status: "good" }))).toMatchObject({ verdict: "ours", stapled: "good" });
  });

  it("that say revoked", async () => {
    expect(await stapled(staple(REVOKED))).toMatchObject({
      verdict: "revoked",
      reason: "revokedByStaple",
      stapled: "revoked",
    });
  });

  it.each([
    ["signed by somebody else", () => staple(REVOKED, others.issuing)],
    ["not DER", () => Uint8Array.of(0x30, 0x80, 0, 0)],
    ["of another certificate", () => stapleOf(ours.issuing, ours.issue(NAMED).certificate, REVOKED, clock.now())],
    ["out of date", () => stapleOf(ours.issuing, leaf.certificate, REVOKED, days(-3))],
  ])("%s prove nothing", async (_, der) => {
    expect(await stapled(der())).toMatchObject({ stapled: "invalid" });
  });

  it("of a foreign CA count, too", async () => {
    const foreign = others.issue(NAMED);
    const der = stapleOf(others.issuing, foreign.certificate, REVOKED, clock.now());
    expect(await stapled(der, foreign)).toMatchObject({ verdict: "revoked", isOurs: false });
  });
});

describe("who is not there, or speaks no TLS", () => {
  it("nobody", async () => {
    const server = await servePlain(() => {});
    await server.close();
    expect(await newProber().probe(target(server))).toMatchObject({
      verdict: "unreachable",
      reason: "refused",
      chain: [],
    });
  });

  it.each([
    ["HTTP", answering(http(400, "Bad Request"))],
    ["a banner", (socket: { write(text: string): void }) => socket.write("SSH-2.0-OpenSSH_9.9\r\n")],
    ["a mail server", (socket: { write(text: string): void }) => socket.write("220 mail.example ESMTP\r\n")],
  ])("%s in plaintext", async (_, speak) => {
    const seen = await newProber().probe(target(await servePlain(speak)));
    expect(seen).toMatchObject({ verdict: "plaintext", reason: "noTls" });
  });

  it("a server that only listens", async () => {
    const seen = await newProber({ timeoutMs: 100 }).probe(target(await servePlain(() => {})));
    expect(seen).toMatchObject({ verdict: "unreachable", reason: "handshakeTimeout" });
  });

  it("a server that hangs up", async () => {
    const seen = await newProber().probe(target(await servePlain((socket) => socket.destroy())));
    expect(seen).toMatchObject({ verdict: "unreachable", reason: "closed" });
  });

  it("a server of the last century", async () => {
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT:@SECLEVEL=0" } as const;
    const seen = await newProber().probe(target(await serveTls(ours.issue(NAMED), old)));
    expect(seen).toMatchObject({ verdict: "unreachable", reason: "protocolVersion" });
  });

  it("a guarded address, before anything is sent", async () => {
    const refusing = new AddressGuard(["0.0.0.0/0"], async () => ["169.254.169.254"]);
    await expect(newProber({ guard: refusing }).probe(target({ port: 80 } as TestServer))).rejects.toMatchObject({
      ...{ code: "PROBE_REFUSED", details: { reason: "metadata" } },
    });
  });

  it("a name whose answers change is connected to where the first one said", async () => {
    const server = await serveTls(ours.issue(NAMED));
    let asked = 0;
    const changing = new AddressGuard(["127.0.0.0/8"], async () => (asked++ === 0 ? ["127.0.0.1"] : ["127.0.0.2"]));
    expect(await newProber({ guard: changing }).probe(target(server))).toMatchObject({
      verdict: "ours",
      address: "127.0.0.1",
    });
    expect(asked).toBe(1);
  });

  it("the second address when the first does not answer", async () => {
    const server = await serveTls(ours.issue(NAMED));
    const two = new AddressGuard(["127.0.0.0/8"], async () => ["127.0.0.9", "127.0.0.1"]);
    expect(await newProber({ guard: two }).probe(target(server))).toMatchObject({
      verdict: "ours",
      address: "127.0.0.1",
    });
  });
});

describe("our own certificate", () => {
  const clientOnly = { requestCert: true, rejectUnauthorized: true, ca: ours.trustPem };
  const material = (issued: ReturnType<typeof ours.issue>) => ({ ...issued, trustPem: ours.trustPem });
  const identity = (issued: ReturnType<typeof ours.issue>) => ({
    current: () => material(issued),
    onChange: () => () => {},
  });
  const health = { path: "/health", dialect: "auto" } as const;

  it("is shown where one is asked for", async () => {
    const server = await serveTls(ours.issue(NAMED), { ...clientOnly, speak: answering(http(200, '{"status":"ok"}')) });
    const shown = newProber({
      identity: identity(ours.issue({ subjectAltNames: { dns: ["discovery.vcc.internal"] } })),
    });
    expect(await shown.probe(target(server, { health }))).toMatchObject({
      verdict: "ours",
      health: { health: "healthy" },
    });
  });

  it("is not there to be shown: the chain is seen all the same, health is not", async () => {
    const server = await serveTls(ours.issue(NAMED), { ...clientOnly, speak: answering(http(200, '{"status":"ok"}')) });
    expect(await newProber().probe(target(server, { health }))).toMatchObject({
      verdict: "ours",
      health: { health: "unknown" },
    });
  });
});
