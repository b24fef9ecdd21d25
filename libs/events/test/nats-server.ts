import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BusIdentity } from "../src/index.ts";

/** A real nats-server with JetStream in a directory of its own, over mutual TLS, which a test can kill and start again. */
export interface TestNats {
  readonly servers: readonly string[];
  /** An identity the server accepts. `renew` replaces its key and certificate by new ones. */
  readonly identity: BusIdentity & { renew(): void };
  /** An identity from a certification authority the server does not know. */
  readonly stranger: BusIdentity;
  start(): Promise<void>;
  /** SHA-256 of the certificates the server sees on connections of this name, hex. */
  clientCertificates(name: string): Promise<string[]>;
  /** kill -9. */
  kill(): Promise<void>;
  /** Stops the process without closing its connections, as a hung machine does; `thaw` lets it go on. */
  freeze(): void;
  thaw(): void;
  /** Deletes what the server has stored; only while it is not running. */
  forget(): void;
  /** Kills the server and removes its directory. */
  destroy(): Promise<void>;
}

export async function startTestNats(): Promise<TestNats> {
  const directory = mkdtempSync(join(tmpdir(), "vcc-nats-"));
  const [port, monitoringPort] = [await freePort(), await freePort()];
  const trust = createAuthority(directory, "trust");
  const server = trust.issue("server");
  const config = join(directory, "nats.conf");
  writeFileSync(
    config,
    `listen: "127.0.0.1:${port}"
http: "127.0.0.1:${monitoringPort}"
jetstream { store_dir: "${directory}/store" }
tls { cert_file: "${server.certificate}", key_file: "${server.key}", ca_file: "${trust.certificate}", verify: true }
`,
  );

  let child: ChildProcess | undefined;
  const nats: TestNats = {
    servers: [`127.0.0.1:${port}`],
    identity: testIdentity(() => trust.issue("client"), trust.certificate),
    stranger: testIdentity(() => createAuthority(directory, "stranger").issue("client"), trust.certificate),
    async start() {
      child = spawn("nats-server", ["--config", config, "--log", join(directory, "nats.log")], { stdio: "ignore" });
      await untilListening(port);
    },
    async kill() {
      if (child === undefined) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
      child = undefined;
    },
    freeze: () => child?.kill("SIGSTOP"),
    thaw: () => child?.kill("SIGCONT"),
    async clientCertificates(name) {
      const answer = await fetch(`http://127.0.0.1:${monitoringPort}/connz?auth=1`);
      const { connections } = (await answer.json()) as { connections: Connz[] };
      return connections.filter((connection) => connection.name === name).flatMap(certificateHashes);
    },
    forget: () => rmSync(join(directory, "store"), { recursive: true, force: true }),
    async destroy() {
      await nats.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  // A test that dies takes its server along.
  process.once("exit", () => child?.kill("SIGKILL"));
  await nats.start();
  return nats;
}

/** https://docs.nats.io/running-a-nats-service/nats_admin/monitoring#connection-information */
interface Connz {
  readonly name?: string;
  readonly tls_peer_certs?: readonly { readonly cert_sha256?: string }[];
}

const certificateHashes = ({ tls_peer_certs = [] }: Connz): string[] =>
  tls_peer_certs.map(({ cert_sha256 = "" }) => cert_sha256);

interface Pair {
  readonly key: string;
  readonly certificate: string;
}

/** A certification authority by openssl, which is independent of what we build. */
function createAuthority(directory: string, name: string): { certificate: string; issue(leaf: string): Pair } {
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: directory, stdio: "pipe" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  openssl("req", "-x509", ...newKey, "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.pem`);
  return {
    certificate: join(directory, `${name}.pem`),
    issue(leaf) {
      const file = `${name}-${leaf}`;
      const signed = ["-CA", `${name}.pem`, "-CAkey", `${name}.key`];
      const names = [
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
      ];
      openssl(
        "req",
        "-x509",
        ...newKey,
        ...signed,
        ...names,
        "-subj",
        `/CN=${leaf}`,
        "-keyout",
        `${file}.key`,
        "-out",
        `${file}.pem`,
      );
      return { key: join(directory, `${file}.key`), certificate: join(directory, `${file}.pem`) };
    },
  };
}

function testIdentity(issue: () => Pair, trust: string): BusIdentity & { renew(): void } {
  const listeners = new Set<() => void>();
  const read = () => {
    const { key, certificate } = issue();
    return {
      keyPem: readFileSync(key, "utf8"),
      chainPem: readFileSync(certificate, "utf8"),
      trustPem: readFileSync(trust, "utf8"),
    };
  };
  let current = read();
  return {
    current: () => current,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    renew() {
      current = read();
      for (const listener of listeners) listener();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect(port, "127.0.0.1");
    const up = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "close").then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (up) return;
    await sleep(50);
  }
  throw new Error("nats-server did not start");
}
