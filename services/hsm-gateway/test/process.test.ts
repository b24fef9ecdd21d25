import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ERRORS, isErrorCode } from "@vcc-pki/errors";
import {
  ApprovalServiceDefinition,
  CustodianServiceDefinition,
  type Key,
  KeyPurpose,
  KeyServiceDefinition,
  LedgerServiceDefinition,
  SigningServiceDefinition,
} from "@vcc-pki/proto/hsm";
import { suiteId } from "@vcc-pki/rpc";
import { openSigningChannel } from "@vcc-pki/signer";
import { silentLogger } from "@vcc-pki/telemetry";
import { systemClock } from "@vcc-pki/time";
import { verifySignature } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GatewayProcess, newGatewayProcess } from "./gateway-process.ts";
import { policyFor } from "./harness.ts";
import { checkpoint } from "./payloads.ts";

let gateway: GatewayProcess;
beforeAll(async () => {
  gateway = await newGatewayProcess();
});
afterAll(() => gateway.close());

const code = (expected: string) => ({ code: expected });
const createKey = (): Promise<Key> =>
  gateway.connect(KeyServiceDefinition, "audit").createKey({
    ...{ requestId: randomUUID(), label: "checkpoints", keyAlgorithm: "ec-p256" },
    policy: policyFor(KeyPurpose.AUDIT_CHECKPOINT, "ec-p256"),
  });

describe("over mutual TLS", () => {
  const request = () => ({
    ...{ requestId: randomUUID(), organisation: "brandenburg", keyId: "00".repeat(16) },
    ...{ signatureAlgorithm: "ecdsa-p256-sha256", payload: { $case: "auditCheckpoint", value: checkpoint() } as const },
  });

  it("serves the suite, each service what is its own", async () => {
    await expect(gateway.connect(SigningServiceDefinition, "tsa").sign(request())).rejects.toMatchObject(
      code("NOT_FOUND"),
    );
    const none = { afterSequence: 0, pageSize: 0 };
    await expect(gateway.connect(LedgerServiceDefinition, "ca").list(none)).rejects.toMatchObject(
      code("CALLER_NOT_ALLOWED"),
    );
    await expect(gateway.connect(CustodianServiceDefinition, "ca").list({})).rejects.toMatchObject(
      code("CALLER_NOT_ALLOWED"),
    );
    await expect(
      gateway.connect(ApprovalServiceDefinition, "acme").list({ state: "APPROVAL_STATE_UNSPECIFIED" }),
    ).rejects.toMatchObject(code("CALLER_NOT_ALLOWED"));
  });

  it.each([
    ["a workload", "spiffe://vcc.internal/org/brandenburg/service/argus", {}, "CALLER_NOT_ALLOWED"],
    ["an administrator", "spiffe://vcc.internal/org/vcc/admin/operator", {}, "CALLER_NOT_ALLOWED"],
    ["an expired service", suiteId("audit"), { notAfter: new Date(Date.now() - 1_000) }, "PEER_UNAVAILABLE"],
    ["two identities at once", suiteId("audit"), { uris: [suiteId("audit"), suiteId("ca")] }, "CALLER_UNAUTHENTICATED"],
  ] as const)("turns away %s", async (_, uri, options, expected) => {
    const identity = gateway.identities.forUri(uri, options);
    const error = await gateway
      .connect(SigningServiceDefinition, identity)
      .sign(request())
      .catch((refusal: unknown) => refusal);
    expect(error).toMatchObject(code(expected));
  });

  it("turns away a certificate of another CA", async () => {
    const identity = gateway.identities.foreign.forUri(suiteId("audit"));
    await expect(gateway.connect(SigningServiceDefinition, identity).sign(request())).rejects.toMatchObject(
      code("PEER_UNAVAILABLE"),
    );
  });
});

describe("killed in the middle of its work", () => {
  it("has every signature it gave away in its ledger, once, and gives the rest when asked again", async () => {
    const key = await createKey();
    const signing = gateway.connect(SigningServiceDefinition, "audit");
    const channel = openSigningChannel(signing, { log: silentLogger, clock: systemClock, deadlineMs: 30_000 });
    const payloads = Array.from({ length: 1_500 }, (_, i) => checkpoint(i));
    const requestOf = (index: number) => ({
      ...{ requestId: `r-${String(index).padStart(6, "0")}`, organisation: "brandenburg", keyId: key.keyId },
      ...{ signatureAlgorithm: "ecdsa-p256-sha256" },
      payload: { $case: "auditCheckpoint" as const, value: payloads[index] ?? new Uint8Array() },
    });

    /** The first answer that each request got. */
    const given = new Map<number, string>();
    let next = 0;
    const work = async () => {
      for (let index = next++; index < payloads.length; index = next++) {
        while (!given.has(index)) {
          try {
            given.set(index, Buffer.from(await channel.sign(requestOf(index))).toString("hex"));
          } catch (error) {
            const { code: received = "" } = error as { code?: string };
            expect(isErrorCode(received) && ERRORS[received].retry, received).toBe(true);
            await sleep(50);
          }
        }
      }
    };
    const workers = Array.from({ length: 64 }, work);
    for (let kills = 0; kills < 3 && next < payloads.length; kills++) {
      const goal = given.size + 200;
      while (given.size < goal && next < payloads.length) await sleep(1);
      await gateway.kill();
      await gateway.start();
    }
    await Promise.all(workers);
    await channel.close();

    for (const [index, value] of payloads.entries()) {
      const signature = Buffer.from(given.get(index) ?? "", "hex");
      expect(verifySignature(key.spkiDer, "ecdsa-p256-sha256", value, signature)).toBe(true);
    }
    for (const index of [0, 199, 200, 201, 700, 1_499]) {
      const { signature } = await signing.sign(requestOf(index));
      expect(Buffer.from(signature).toString("hex")).toBe(given.get(index));
    }
    const entries = await readLedger();
    expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, i) => i + 1));
    expect(new Set(entries.map(({ requestId }) => requestId)).size).toBe(payloads.length);
    expect(entries).toHaveLength(payloads.length);
  });

  async function readLedger() {
    const ledger = gateway.connect(LedgerServiceDefinition, "audit");
    const all = [];
    for (;;) {
      const { entries } = await ledger.list({ afterSequence: all.length, pageSize: 1_000 });
      if (entries.length === 0) return all;
      all.push(...entries);
    }
  }
});
