import { randomBytes } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { openStore } from "@vcc-pki/store";
import { systemClock } from "@vcc-pki/time";
import { Ledger } from "../src/ledger.ts";

for (const cipher of (process.env.C ?? "sqlcipher,")
  .split(",")
  .map((c) => (c || undefined) as "sqlcipher" | undefined) as const) {
  const dir = mkdtempSync("/tmp/lb-");
  writeFileSync(`${dir}/key`, randomBytes(32).toString("hex"), { mode: 0o600 });
  const store = openStore({
    file: `${dir}/x.db`,
    keyFile: cipher && `${dir}/key`,
    cipher,
    migrations: new URL("../migrations/", import.meta.url),
    clock: systemClock,
  });
  const ledger = new Ledger(store, systemClock);
  let seq = 0;
  const entry = () => ({
    organisation: "bench",
    keyId: "a".repeat(32),
    purpose: "time-stamping",
    signatureAlgorithm: "ecdsa-p256-sha256",
    payloadType: "cms-signed-attributes",
    payloadSha256: randomBytes(32),
    caller: "spiffe://vcc.internal/pki/tsa",
    requester: "spiffe://vcc.internal/pki/tsa",
    requestId: `0123456789ab-${(seq++).toString(16).padStart(10, "0")}`,
    signature: randomBytes(71),
  });
  for (const c of [64, 64, 64, 64, 64, 64]) {
    const n = c === 1 ? 1500 : 20000;
    const u0 = process.cpuUsage();
    const t0 = performance.now();
    for (let i = 0; i < n; i += c) await Promise.all(Array.from({ length: c }, () => ledger.record(entry())));
    const d = performance.now() - t0;
    const u = process.cpuUsage(u0);
    console.log(
      cipher ?? "plain",
      `c=${c}`,
      `${((d / n) * 1000).toFixed(1)} us wall, cpu user ${(u.user / n).toFixed(1)} sys ${(u.system / n).toFixed(1)} per entry; per batch wall ${((d / n) * c * 1000).toFixed(0)}`,
    );
  }
  await store.close();
}
