import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as tlsConnect } from "node:tls";
import { PkiError } from "@vcc-pki/errors";
import { type Certificate, CertificateServiceDefinition, CertificateState, RevocationReason } from "@vcc-pki/proto/ca";
import { type Handlers, implement } from "@vcc-pki/rpc";
import { silentLogger } from "@vcc-pki/telemetry";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { createTestIdentities } from "@vcc-pki/testkit/identity";
import { parseCertificate, parseCertificationRequest, pemDecode } from "@vcc-pki/x509";
import { afterEach, describe, expect, it } from "vitest";
import {
  BaseConfig,
  defineService,
  fileIdentity,
  type StartedService,
  startService,
  writeIdentity,
} from "../src/index.ts";
import { freePort } from "./free-port.ts";

const HOUR_MS = 3_600_000;
const SELF = "spiffe://vcc.internal/pki/ca";
const identities = createTestIdentities();

interface CaState {
  available: boolean;
  /** Certifies for this URI instead of the one asked for. */
  uri?: string;
  /** As they came in. */
  readonly requestIds: string[];
}

/** A ca that certifies whatever platform identity it is asked for: enough of one to renew itself. */
function smallCa(state: CaState) {
  const no = async (): Promise<never> => {
    throw new PkiError("NOT_FOUND", "not here");
  };
  const handlers: Handlers<typeof CertificateServiceDefinition> = {
    async issue({ csrDer, profile, requestId }) {
      state.requestIds.push(requestId);
      if (!state.available || profile !== "platform") throw new PkiError("HSM_UNAVAILABLE", "the token is away");
      const csr = parseCertificationRequest(csrDer);
      const { dns, ip, uri } = csr.subjectAltNames;
      const names = { dns, ip, uri: state.uri ? [state.uri] : uri };
      if (!csr.verifySignature()) throw new PkiError("CSR_SIGNATURE_INVALID", "no proof of possession");
      return { certificate: certificateOf(), chainDer: identities.certify(csr.spkiDer, names) };
    },
    get: no,
    list: no,
    revoke: no,
    release: no,
    getStatus: no,
    async *streamStatus() {
      yield await no();
    },
    async *streamCertificates() {
      yield await no();
    },
  };
  const streams = { streamStatus: [], streamCertificates: [] };
  const callers = { issue: ["any-suite"], get: [], list: [], revoke: [], release: [], getStatus: [], ...streams };
  return defineService({
    name: "ca",
    config: BaseConfig,
    start: async () => ({
      services: [implement(CertificateServiceDefinition, handlers, callers)],
      ready: async () => ({ token: state.available || "away" }),
      close: async () => {},
    }),
  });
}

let started: StartedService | undefined;
afterEach(async () => {
  await started?.close(0);
  started = undefined;
});

async function start(clock = fakeClock(new Date())) {
  const port = await freePort();
  const state: CaState = { available: true, requestIds: [] };
  const directory = join(mkdtempSync(join(tmpdir(), "pki-service-")), "ca");
  writeIdentity(directory, identities.forUri(SELF, { dns: ["localhost"] }).current());
  const config = BaseConfig.parse({
    listen: { host: "127.0.0.1", port },
    health: { host: "127.0.0.1", port: 0 },
    identityDir: directory,
    peers: { ca: { address: `127.0.0.1:${port}` } },
  });
  started = await startService(smallCa(state), config, { clock, log: silentLogger });
  return { ...started, state, directory, clock };
}

const leafIn = (directory: string) => {
  const identity = fileIdentity(directory, silentLogger);
  identity.close();
  return parseCertificate(pemDecode(identity.current().chainPem)[0] ?? new Uint8Array());
};

/** Serial number of the certificate that a new connection is shown. */
async function serialServed(port: number): Promise<string> {
  const { keyPem, chainPem, trustPem } = identities.forUri("spiffe://vcc.internal/pki/gateway").current();
  const tls = { key: keyPem, cert: chainPem, ca: trustPem, checkServerIdentity: () => undefined };
  const socket = tlsConnect({ host: "127.0.0.1", port, ALPNProtocols: ["h2"], ...tls });
  await once(socket, "secureConnect");
  const serial = parseCertificate(socket.getPeerX509Certificate()?.raw ?? new Uint8Array()).serialHex;
  socket.destroy();
  return serial;
}

describe("a service", () => {
  it("says what it needs at /readyz, and serves metrics", async () => {
    const { healthPort, state } = await start();
    const base = `http://127.0.0.1:${healthPort}`;
    const ready = await fetch(`${base}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { ready: true, checks: { token: true, identity: true } }]);
    state.available = false;
    expect((await fetch(`${base}/readyz`)).status).toBe(503);
    expect(await (await fetch(`${base}/metrics`)).text()).toContain("pki_identity_expiry");
  });

  it("renews its own identity at two thirds of its life, with a new key and the same names", async () => {
    const { renewal, directory, clock } = await start();
    const before = leafIn(directory);
    await renewal?.tick();
    expect(leafIn(directory).serialHex).toBe(before.serialHex);

    clock.advance(17 * HOUR_MS);
    await renewal?.tick();
    const after = leafIn(directory);
    expect(after.serialHex).not.toBe(before.serialHex);
    expect(after.spkiDer).not.toEqual(before.spkiDer);
    expect(after.subjectAltNames).toEqual(before.subjectAltNames);
  });

  it("shows the renewed identity to new connections", async () => {
    const { rpcPort, renewal, directory, clock } = await start();
    expect(await serialServed(rpcPort)).toBe(leafIn(directory).serialHex);
    clock.advance(17 * HOUR_MS);
    const before = leafIn(directory).serialHex;
    await renewal?.tick();
    expect(leafIn(directory).serialHex).not.toBe(before);
    expect(await serialServed(rpcPort)).toBe(leafIn(directory).serialHex);
  });

  it("is not ready with an identity that has expired", async () => {
    const { healthPort, clock } = await start();
    clock.advance(48 * HOUR_MS);
    const ready = await fetch(`http://127.0.0.1:${healthPort}/readyz`);
    const { checks } = (await ready.json()) as { checks: Record<string, unknown> };
    expect([ready.status, checks.token, checks.identity]).toEqual([503, true, expect.stringContaining("expired")]);
  });

  it("keeps the old identity when the ca cannot issue, and tries again after a pause", async () => {
    const { renewal, directory, clock, state } = await start();
    const before = leafIn(directory);
    state.available = false;
    clock.advance(17 * HOUR_MS);
    await renewal?.tick();
    expect(leafIn(directory).serialHex).toBe(before.serialHex);
    state.available = true;
    await renewal?.tick();
    expect(leafIn(directory).serialHex).toBe(before.serialHex);
    clock.advance(10_000);
    await renewal?.tick();
    expect(leafIn(directory).serialHex).not.toBe(before.serialHex);
    // Nobody could know whether the first answer was lost, so the same key was asked for again.
    expect([state.requestIds.length, new Set(state.requestIds).size]).toEqual([2, 1]);
  });

  it("does not take somebody else's certificate", async () => {
    const { renewal, directory, clock, state } = await start();
    const before = leafIn(directory);
    state.uri = "spiffe://vcc.internal/pki/hsm-gateway";
    clock.advance(17 * HOUR_MS);
    await renewal?.tick();
    expect(state.requestIds).toHaveLength(1);
    expect(leafIn(directory).serialHex).toBe(before.serialHex);
  });

  it("does not start with the identity of another", async () => {
    const directory = join(mkdtempSync(join(tmpdir(), "pki-service-")), "tsa");
    writeIdentity(directory, identities.forUri("spiffe://vcc.internal/pki/tsa").current());
    const config = BaseConfig.parse({
      listen: { host: "127.0.0.1", port: 0 },
      health: { host: "127.0.0.1", port: 0 },
      identityDir: directory,
    });
    const attempt = startService(smallCa({ available: true, requestIds: [] }), config, {
      clock: fakeClock(new Date()),
      log: silentLogger,
    });
    await expect(attempt).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});

const certificateOf = (): Certificate => ({
  ...{ certificateId: "", organisation: "", authorityId: "", serialHex: "", profile: "platform", profileVersion: 1 },
  ...{ subject: "", dnsNames: [], ipAddresses: [], uris: [], emails: [], notBefore: undefined, notAfter: undefined },
  ...{ state: CertificateState.VALID, revokedAt: undefined, revocationReason: RevocationReason.UNSPECIFIED },
  ...{ certificateDer: new Uint8Array(), requester: "", issuedAt: undefined, fingerprintSha256: new Uint8Array() },
  keyAlgorithm: "",
});
