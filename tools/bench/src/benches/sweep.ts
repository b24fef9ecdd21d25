import { generateKeyPairSync, randomUUIDv7 } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { createSecureContext, connect as tlsConnect } from "node:tls";
import { type DiscoveryHarness, newDiscovery } from "@vcc-pki/discovery/harness";
import { pemEncode } from "@vcc-pki/x509";
import type { Bench, Figure } from "../bench.ts";
import { findFreePort } from "../free-port.ts";
import { type Endpoint, serveTls } from "../sweep/tls-servers.ts";

const ENDPOINTS = 1_000;
/** 1,024 addresses of loopback, of which these many answer. */
const NETWORK = "127.77.0.0/22";
const PROCESSES = 2;
const IN_FLIGHT = 64;
const POLL_MS = 25;

/** From the request for a sweep to its end on disk: each endpoint connected to, its chain validated, kept, and told. */
export const sweep: Bench = {
  name: "sweep",
  summary: "a sweep through 1,024 addresses, 1,000 of which serve TLS with certificates of the suite",
  async run({ runs, progress }) {
    const port = await findFreePort();
    progress("starting discovery, a ca and an hsm-gateway");
    const harness = await newDiscovery({
      config: {
        probes: {
          networks: { brandenburg: [NETWORK] },
          sweeps: { ports: [port], atOnce: IN_FLIGHT, perSecond: 1_000_000 },
        },
      },
    });
    try {
      progress(`issuing ${ENDPOINTS} certificates`);
      const endpoints = await issueEndpoints(harness, port);
      const servers = await serveTls(endpoints, PROCESSES);
      try {
        const first: number[] = [];
        const again: number[] = [];
        const bare: number[] = [];
        for (let run = 1; run <= runs; run++) {
          progress(`run ${run} of ${runs}`);
          bare.push(await bareHandshakes(endpoints));
          (run === 1 ? first : again).push(await timedSweep(harness));
        }
        return figuresOf(first, again, median(bare));
      } finally {
        await servers.stop();
      }
    } finally {
      await harness.close();
    }
  },
};

function figuresOf(first: readonly number[], again: readonly number[], bare: number): Figure[] {
  const baselines = [{ name: "bare handshakes of node:tls, nothing read, nothing kept", value: bare }];
  const figure = (name: string, values: readonly number[]): Figure => ({
    ...{ name, values, baselines, unit: "s", target: { atMost: 30 } },
  });
  const known = again.length === 0 ? [] : [figure("again, all known", again)];
  return [figure("1,000 endpoints, none known", first), ...known];
}

async function issueEndpoints({ ca }: DiscoveryHarness, port: number): Promise<Endpoint[]> {
  const endpoints: Endpoint[] = [];
  let next = 0;
  const work = async () => {
    for (let index = next++; index < ENDPOINTS; index = next++) {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const uri = [`spiffe://vcc.internal/org/brandenburg/service/bench-${index}`];
      const csrDer = ca.csr({ uri, dns: [`bench-${index}.vcc.internal`] }, { privateKey });
      const { certificate, chainDer } = await ca.issue({ csrDer });
      const chain = [certificate?.certificateDer ?? new Uint8Array(), ...chainDer];
      endpoints[index] = {
        host: `127.77.${index >> 8}.${index & 0xff}`,
        port,
        keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
        chainPem: chain.map((der) => pemEncode("CERTIFICATE", der)).join(""),
      };
    }
  };
  await Promise.all(Array.from({ length: 32 }, work));
  return endpoints;
}

/** Seconds. Throws unless it finds each of them, and that it is ours. */
async function timedSweep(harness: DiscoveryHarness): Promise<number> {
  const { inventory } = harness.as();
  const begunAt = performance.now();
  const { sweepId } = await inventory.startSweep({
    ...{ requestId: randomUUIDv7(), organisation: "" },
    networks: [NETWORK],
    ports: [],
  });
  for (;;) {
    const { endedAt, verdicts } = await inventory.getSweep({ organisation: "", sweepId });
    if (endedAt !== undefined) {
      if (verdicts.ours !== ENDPOINTS) throw new Error(`the sweep has found ${JSON.stringify(verdicts)}`);
      return (performance.now() - begunAt) / 1_000;
    }
    await sleep(POLL_MS);
  }
}

/** Seconds for a handshake with each, as many in flight as a sweep has. */
async function bareHandshakes(endpoints: readonly Endpoint[]): Promise<number> {
  const secureContext = createSecureContext({ ca: [] });
  const begunAt = performance.now();
  let next = 0;
  const work = async () => {
    for (let endpoint = endpoints[next++]; endpoint !== undefined; endpoint = endpoints[next++]) {
      const { host, port } = endpoint;
      const socket = tlsConnect({ host, port, secureContext, rejectUnauthorized: false });
      await once(socket, "secureConnect");
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  return (performance.now() - begunAt) / 1_000;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
