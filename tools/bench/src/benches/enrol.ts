import { randomUUIDv7 } from "node:crypto";
import { join } from "node:path";
import {
  AgentConfig,
  contextOf,
  enrol as enrolIdentity,
  type Identity,
  IdentityConfig,
  LayoutProfile,
  maintain,
} from "@vcc-pki/agent";
import { CertificateServiceDefinition } from "@vcc-pki/proto/ca";
import { type Suite, startSuite } from "@vcc-pki/suite-tool";
import { silentLogger } from "@vcc-pki/telemetry";
import { systemClock } from "@vcc-pki/time";
import { type Admin, adminOf } from "../agents/admin.ts";
import { startHotService } from "../agents/hot-service.ts";
import type { Bench } from "../bench.ts";
import { buildCsrPool } from "../csr-pool.ts";
import { percentile } from "../statistics.ts";
import { AS_OPERATOR } from "../tenant.ts";

const ENROLMENTS = 30;
const TARGET_MS = 300;

/** From an enrolment token in hand to the certificate served by an HTTPS service and seen by a handshake, one at a time: root by fingerprint, key,
 *  certificate, files, reload, proof, report. The token is made before the clock starts. */
export const enrol: Bench = {
  name: "enrol",
  summary: "from an enrolment token to a certificate that a service is seen serving",
  async run({ runs, workDirectory, progress }) {
    progress("starting a suite");
    const suite = await startSuite(join(workDirectory, "suite"));
    const admin = adminOf(suite);
    try {
      const all: number[][] = [];
      for (let run = 0; run < runs; run++) {
        progress(`run ${run + 1} of ${runs}`);
        const samples: number[] = [];
        for (let n = 0; n < ENROLMENTS; n++) samples.push(await enrolOne(admin, workDirectory, `bench-${run}-${n}`));
        all.push(samples.sort((left, right) => left - right));
      }
      const bare = (await issueAlone(suite)).sort((left, right) => left - right);
      const figure = (name: string, share: number) => ({
        ...{ name, unit: "ms" },
        baselines: [{ name: "the certificate alone, by the ca over gRPC, ms", value: percentile(bare, share) }],
        values: all.map((samples) => percentile(samples, share)),
      });
      return [
        { ...figure("token to served certificate, p50", 0.5), target: { atMost: TARGET_MS } },
        figure("token to served certificate, p99", 0.99),
      ];
    } finally {
      admin.close();
      await suite.stop();
    }
  },
};

/** How long each certificate takes that is asked for at the ca by itself, one at a time. */
async function issueAlone(suite: Suite): Promise<number[]> {
  const certificates = suite.connect(CertificateServiceDefinition, "ca", "gateway");
  const samples: number[] = [];
  for (const csrDer of buildCsrPool(ENROLMENTS, (index) => `alone-${index}.vcc.internal`)) {
    const wanted = {
      organisation: "brandenburg",
      profile: "mtls_service",
      csrDer,
      authorityId: "",
      validitySeconds: 0,
    };
    const from = systemClock.monotonicMs();
    await certificates.issue({ requestId: randomUUIDv7(), ...wanted }, AS_OPERATOR);
    samples.push(systemClock.monotonicMs() - from);
  }
  return samples;
}

/** How long it took, in ms. */
async function enrolOne(admin: Admin, workDirectory: string, service: string): Promise<number> {
  const dns = [`${service}.vcc.internal`];
  const path = "/api/v1/enrolment/tokens?organisation=brandenburg";
  const { token } = await admin.post(path, { service, dns_names: dns });
  const directory = join(workDirectory, "files", service);
  const hot = await startHotService(directory);
  try {
    const identity: Identity = {
      ...IdentityConfig.parse({ organisation: "brandenburg", service, dns, reload: { http: { url: hot.reloadUrl } } }),
      ...{ name: service, spiffeId: `spiffe://vcc.internal/org/brandenburg/service/${service}` },
      layout: { directory, links: true, profile: LayoutProfile.parse({ certificate: "cert.pem", key: "key.pem" }) },
      proof: { connect: hot.address, serverName: dns[0], within: 10_000 },
    };
    const settings = {
      ...AgentConfig.parse({ server: admin.server, stateDir: join(workDirectory, "state"), identities: [] }),
      identities: [identity],
    };
    const context = contextOf(identity, settings, { clock: systemClock, log: silentLogger, random: Math.random });
    const contact = { server: admin.server, fingerprint: admin.fingerprint };
    const from = systemClock.monotonicMs();
    await enrolIdentity(context, contact, { kind: "token", token: String(token) });
    const state = await maintain(context, { now: true });
    const tookMs = systemClock.monotonicMs() - from;
    if (!state.deployed?.isTaken) throw new Error(`${service} is not served: ${state.lastError?.message}`);
    return tookMs;
  } finally {
    hot.close();
  }
}
