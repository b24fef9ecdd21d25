import { Worker } from "node:worker_threads";
import { randomBytes } from "node:crypto";
import { silentLogger } from "@vcc-pki/telemetry";
import { createTestToken } from "@vcc-pki/testkit/token";
import { systemClock } from "@vcc-pki/time";
import { createKeyPair, privateKeyOf, signNow } from "../src/key-pair.ts";
import { loadPkcs11 } from "../src/pkcs11.ts";
import { Token } from "../src/token.ts";
const t = createTestToken();
const token = new Token({ pkcs11: loadPkcs11({ module: t.modulePath, environment: { SOFTHSM2_CONF: t.confPath } }), label: t.tokenLabel, pinFile: t.pinFile, poolSize: 4, clock: systemClock, log: silentLogger });
const c = await token.connect();
const w = new Worker(new URL("../src/signing-worker.ts", import.meta.url), { workerData: t.modulePath });
for (const copyable of [true, false]) {
  const keyId = randomBytes(16).toString("hex");
  await createKeyPair(c, { keyId, label: "x", keyAlgorithm: "ec-p256", signatureAlgorithms: ["ecdsa-p256-sha256"], copyable });
  const h = privateKeyOf(c, keyId, copyable);
  const data = randomBytes(300);
  let t0 = performance.now(); for (let i = 0; i < 5000; i++) signNow(c, h, "ecdsa-p256-sha256", data); console.log(copyable, "loop", ((performance.now() - t0) / 5).toFixed(1));
  const session = (c.pool as never as { free: Buffer[] });
  const s = await c.pool.use(async (x) => x);
  for (const size of [1, 16, 32]) {
    const batch = () => ({ session: new Uint8Array(s), mechanism: 0x1041, keys: Array.from({ length: size }, () => new Uint8Array(h)), inputs: Array.from({ length: size }, () => new Uint8Array(randomBytes(32))) });
    for (let r = 0; r < 2; r++) {
      const n = Math.floor(6000 / size);
      t0 = performance.now(); const u0 = process.cpuUsage();
      await new Promise<void>((resolve) => { let got = 0, sent = 0; w.removeAllListeners("message"); w.on("message", () => { if (++got === n) resolve(); else if (sent < n) { sent++; w.postMessage(batch()); } }); for (let i = 0; i < 2; i++) { sent++; w.postMessage(batch()); } });
      const d = performance.now() - t0;
      console.log(copyable, "thread size", size, (d / n / size * 1000).toFixed(1), "us per sig");
    }
  }
}
await w.terminate(); await token.close(); t.destroy();
