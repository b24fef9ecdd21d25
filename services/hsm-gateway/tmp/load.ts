import { execSync } from "node:child_process";
import { randomUUID, generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { KeyPurpose, KeyServiceDefinition, SigningServiceDefinition } from "@vcc-pki/proto/hsm";
import { openSigningChannel, remoteSigner } from "@vcc-pki/signer";
import { silentLogger } from "@vcc-pki/telemetry";
import { systemClock } from "@vcc-pki/time";
import { startGatewayProcess } from "../../../tools/bench/src/gateway-process.ts";
import { buildTimeStampAttributes } from "../../../tools/bench/src/signed-attributes.ts";
const base = () => { const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" }); const d = Buffer.alloc(300, 1); const t = performance.now(); let n = 0; while (performance.now() - t < 500) { sign("sha256", d, privateKey); n++; } return 500_000 / n; };
const dir = mkdtempSync("/var/tmp/hsm/bench-");
const gw = await startGatewayProcess(dir, { tsa: ["time-stamping"] });
const pid = execSync(`pgrep -f ${dir}/hsm-gateway.yaml`).toString().trim().split("\n")[0];
const ns = (f: string) => { try { return Number(readFileSync(f, "utf8").split(" ")[0]) / 1e6; } catch { return 0; } };
const cpu = () => ({ total: readdirSync(`/proc/${pid}/task`).reduce((a, t) => a + ns(`/proc/${pid}/task/${t}/schedstat`), 0), main: ns(`/proc/${pid}/task/${pid}/schedstat`), client: process.cpuUsage() });
const channel = openSigningChannel(gw.connect(SigningServiceDefinition, "tsa"), { log: silentLogger, clock: systemClock, deadlineMs: 10_000 });
const payloads = Array.from({ length: 256 }, buildTimeStampAttributes);
let seq = 0;
for (const copyable of (process.env.KEYS ?? "copy,token").split(",").map((k) => k === "copy")) {
  const key = await gw.connect(KeyServiceDefinition, "tsa").createKey({ requestId: randomUUID(), label: "b", keyAlgorithm: "ec-p256", policy: { purpose: KeyPurpose.TIME_STAMPING, organisation: "bench", allowedCallers: [], issuerNameDer: new Uint8Array(), signatureAlgorithms: ["ecdsa-p256-sha256"], rateLimitPerSecond: 0, quorumThreshold: 0, copyable } } as never);
  const signer = remoteSigner(channel, { organisation: "bench", keyId: key.keyId, spkiDer: key.spkiDer, algorithm: "ecdsa-p256-sha256" });
  const start = Date.now().toString(16).padStart(12, "0");
  const run = async (n: number, c: number) => {
    let left = n; const lat: number[] = [];
    const b = base();
    const c0 = cpu(); const t0 = performance.now();
    await Promise.all(Array.from({ length: c }, async () => { while (left-- > 0) { const t = performance.now(); await signer.sign({ $case: "cmsSignedAttributes", value: payloads[seq % 256] as Uint8Array }, `${start}-${(seq++).toString(16).padStart(10, "0")}`); lat.push(performance.now() - t); } }));
    const d = performance.now() - t0; const c1 = cpu(); lat.sort((x, y) => x - y);
    const cl = (c1.client.user + c1.client.system - c0.client.user - c0.client.system) / n;
    console.log(`copy=${copyable} c=${c} ${(n / d * 1000).toFixed(0)}/s p50 ${lat[lat.length >> 1]?.toFixed(2)} p99 ${lat[Math.floor(lat.length * 0.99)]?.toFixed(2)}  us/sig: gateway ${((c1.total - c0.total) * 1000 / n).toFixed(1)} (main ${((c1.main - c0.main) * 1000 / n).toFixed(1)}) client ${cl.toFixed(1)}  openssl sign before ${b.toFixed(1)}`);
  };
  await run(5000, 64);
  for (let i = 0; i < Number(process.env.R ?? 3); i++) await run(20000, 64);
  await run(2000, 1);
}
await channel.close(); await gw.stop();
process.exit(0);
