import { randomBytes } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKeyFile, openStore } from "@vcc-pki/store";
import { homeAt } from "@vcc-pki/suite-tool";
import { systemClock } from "@vcc-pki/time";
import { TokenTable } from "@vcc-pki/tsa/store/tokens";
import { UnitKeyTable } from "@vcc-pki/tsa/store/unit-keys";
import { beforeEach, describe, expect, it } from "vitest";
import { Ledger } from "./ledger.ts";
import { MIGRATIONS, readLogs } from "./logs.ts";
import type { ReplicaName } from "./replica.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "soak-logs-"));
});

const newSerial = (): Buffer => Buffer.concat([Buffer.of(0x40), randomBytes(19)]);

/** A log with a token under each of these numbers. */
async function fill(name: ReplicaName, serials: readonly Buffer[]): Promise<void> {
  const { file, keyFile } = homeAt(home).database(name);
  createKeyFile(keyFile);
  const store = openStore({ file, keyFile, migrations: MIGRATIONS, clock: systemClock });
  const now = systemClock.now();
  const unit = { unit: "main", organisation: "vcc", requestId: "r", keyAlgorithm: "ec-p256" } as const;
  const token = {
    ...({
      organisation: "vcc",
      hash: "sha256",
      digest: randomBytes(32),
      policy: "1.2.3",
      unitKey: 1,
      genTime: now,
    } as const),
    ...{ evidenceId: "ab", tstInfoDer: Buffer.of(1), signedAttributesDer: Buffer.of(2), signature: Buffer.of(3) },
    certificates: "chain" as const,
  };
  const tokens = new TokenTable(store.db);
  await store.write(() => {
    new UnitKeyTable(store.db).insert({ ...unit, algorithm: "ecdsa-p256-sha256", isTest: false }, now);
    for (const serial of serials) tokens.insert({ ...token, serial });
  });
  await store.close();
}

describe("the logs of two replicas", () => {
  it("are counted", async () => {
    await fill("tsa", [newSerial(), newSerial()]);
    await fill("tsa-2", [newSerial()]);
    expect(await readLogs(home)).toEqual({ tokens: { tsa: 2, "tsa-2": 1 }, twice: [] });
  });

  it("show a serial number that both have used", async () => {
    const shared = newSerial();
    await fill("tsa", [newSerial(), shared]);
    await fill("tsa-2", [shared, newSerial()]);
    expect((await readLogs(home)).twice).toEqual([shared.toString("hex")]);
  });
});

describe("the ledger of what was answered", () => {
  it("knows a token by its octets, and counts it once", () => {
    const ledger = new Ledger();
    expect(ledger.add("40", Buffer.of(1, 2))).toBe(true);
    expect(ledger.add("40", Buffer.of(1, 2))).toBe(true);
    expect(ledger.size).toBe(1);
    expect(ledger.has("40", Buffer.of(1, 2))).toBe(true);
    expect(ledger.has("40", Buffer.of(1, 3))).toBe(false);
    expect(ledger.has("41", Buffer.of(1, 2))).toBe(false);
  });

  it("finds two tokens under one serial number", () => {
    const ledger = new Ledger();
    ledger.add("40", Buffer.of(1));
    expect(ledger.add("40", Buffer.of(2))).toBe(false);
    expect(ledger.has("40", Buffer.of(1))).toBe(true);
  });
});
