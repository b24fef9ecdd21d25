import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AddressGuard } from "@vcc-pki/network";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { createTestHierarchy } from "@vcc-pki/testkit/hierarchy";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Prober } from "../src/probe/probe.ts";
import { stapleOf } from "./tls-servers.ts";

// OpenSSL's own server, as the second opinion on what a handshake shows.

const clock = fakeClock(new Date());
const ours = createTestHierarchy({ clock });
const leaf = ours.issue({ subjectAltNames: { dns: ["veritas.vcc.internal"] } });
const guard = new AddressGuard(["127.0.0.0/8"], async () => ["127.0.0.1"]);
const trust = { anchors: [ours.root.certificate], intermediates: [], crls: [] };
const prober = new Prober({ guard, trust, clock, timeoutMs: 5_000 });

let directory: string;
let server: ChildProcess | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "vcc-s_server-"));
});

async function stop(): Promise<void> {
  if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
  server.kill();
  await once(server, "close");
}

afterEach(async () => {
  await stop();
  rmSync(directory, { recursive: true });
});

async function start(options: readonly string[]): Promise<void> {
  server = spawn("openssl", ["s_server", ...options], { cwd: directory, stdio: ["ignore", "pipe", "ignore"] });
  for await (const chunk of server.stdout as NonNullable<ChildProcess["stdout"]>)
    if (String(chunk).includes("ACCEPT")) return;
}

async function serve(...options: string[]): Promise<number> {
  writeFileSync(join(directory, "key.pem"), leaf.keyPem);
  writeFileSync(join(directory, "chain.pem"), leaf.chainPem);
  writeFileSync(
    join(directory, "staple.der"),
    stapleOf(ours.issuing, leaf.certificate, { status: "good" }, clock.now()),
  );
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  const files = ["-cert", "chain.pem", "-cert_chain", "chain.pem", "-key", "key.pem", "-status_file", "staple.der"];
  await start(["-accept", `127.0.0.1:${port}`, ...files, "-www", ...options]);
  return port;
}

it.each([
  ["-tls1_2", "TLSv1.2"],
  ["-tls1_3", "TLSv1.3"],
])("openssl s_server %s: chain and staple, and a page that is no health", async (option, protocol) => {
  const port = await serve(option);
  const health = { path: "/", dialect: "auto" } as const;
  const seen = await prober.probe({
    host: "veritas.vcc.internal",
    name: "veritas.vcc.internal",
    port,
    scheme: "https",
    health,
  });
  expect(seen).toMatchObject({ verdict: "ours", stapled: "good", protocol, health: { health: "unknown" } });
  const told = execFileSync("openssl", ["x509", "-in", "chain.pem", "-noout", "-fingerprint", "-sha256"], {
    cwd: directory,
  });
  const fingerprint = /=([0-9A-F:]+)/.exec(told.toString())?.[1]?.replaceAll(":", "").toLowerCase();
  expect(seen.chain[0]?.fingerprintSha256).toBe(fingerprint);
  expect(readFileSync(join(directory, "chain.pem"), "utf8").match(/BEGIN/g)).toHaveLength(seen.chain.length);
});

it("openssl s_server with a key and a hash of another time is seen, not missed", async () => {
  const weak = [
    "req",
    "-x509",
    "-newkey",
    "rsa:1024",
    "-sha1",
    "-nodes",
    "-subj",
    "/CN=old",
    "-keyout",
    "key.pem",
    "-out",
    "old.pem",
  ];
  const port = await serve();
  await stop();
  execFileSync("openssl", weak, { cwd: directory, stdio: "ignore" });
  const files = ["-cert", "old.pem", "-key", "key.pem", "-cipher", "DEFAULT:@SECLEVEL=0"];
  await start(["-accept", `127.0.0.1:${port}`, ...files, "-www"]);
  const seen = await prober.probe({ host: "old", port, scheme: "https" });
  expect(seen).toMatchObject({ verdict: "self_signed", stapled: "none" });
  expect(seen.chain[0]).toMatchObject({ keyAlgorithm: "rsa-1024", signatureAlgorithm: "sha1WithRSAEncryption" });
});
