import { mkdtempSync, rmSync } from "node:fs";
import { systemClock } from "@vcc-pki/time";
import { withCpuTimes } from "./cpu-time.ts";
import { buildCsrPool } from "./csr-pool.ts";
import { measureLoad } from "./load.ts";
import { startSuite } from "./suite.ts";
import { createTenant, dnsNameOf } from "./tenant.ts";

const home = mkdtempSync("/tmp/pb-");
const suite = await startSuite(home);
try {
  const tenant = await createTenant(suite);
  const csrs = buildCsrPool(512, dnsNameOf);
  const pids = {
    client: process.pid,
    ca: suite.pidOf("ca"),
    hsm: suite.pidOf("hsm-gateway"),
    nats: suite.pidOf("nats"),
    gateway: suite.pidOf("gateway"),
  };
  for (let i = 0; i < Number(process.argv[2] ?? 1); i++) {
    const f = await withCpuTimes(pids, () =>
      measureLoad({
        inFlight: Number(process.argv[3] ?? 64),
        warmUpMs: 1500,
        measureMs: 6000,
        clock: systemClock,
        operation: (s) => tenant.issue(csrs[s % 512] as Uint8Array, tenant.authorityIds.p256),
      }),
    );
    console.log(
      f.started,
      f.perSecond.toFixed(0),
      "/s p50",
      f.p50Ms.toFixed(1),
      "p99",
      f.p99Ms.toFixed(1),
      JSON.stringify(Object.fromEntries(Object.entries(f.cpuUs).map(([k, v]) => [k, Math.round(v)]))),
    );
  }
} finally {
  await suite.stop();
  rmSync(home, { recursive: true });
}
