import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CertificateMemory } from "./certificate-memory.ts";

const serials = Array.from({ length: 40 }, (_, i) => Uint8Array.from([1, i, ...new Array(i % 19).fill(i)]));
const status = (revokedAtMs?: number) => ({
  notAfterMs: 1_900_000_000_000,
  revocation: revokedAtMs === undefined ? undefined : { revokedAtMs, reason: 1 },
});

describe("CertificateMemory", () => {
  it("does what a Map would, whatever comes and goes", () => {
    const operation = fc.record({
      kind: fc.constantFrom("good", "revoked", "delete"),
      issuer: fc.integer({ min: 1, max: 3 }),
      serial: fc.nat({ max: serials.length - 1 }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
        const memory = new CertificateMemory();
        const model = new Map<string, boolean>();
        for (const { kind, issuer, serial: index } of operations) {
          const serial = serials[index] as Uint8Array;
          const slot = memory.find(issuer, serial);
          expect(slot !== -1).toBe(model.has(`${issuer} ${index}`));
          if (kind !== "delete") {
            memory.put({ issuer, serial }, status(kind === "revoked" ? 1_000 : undefined), 7);
            model.set(`${issuer} ${index}`, kind === "revoked");
          } else if (slot !== -1) {
            memory.delete(slot);
            model.delete(`${issuer} ${index}`);
          }
        }
        expect(memory.size).toBe(model.size);
        for (const [key, isRevoked] of model) {
          const [issuer, index] = key.split(" ").map(Number) as [number, number];
          const slot = memory.find(issuer, serials[index] as Uint8Array);
          expect(memory.isRevoked(slot)).toBe(isRevoked);
          expect(memory.nameOf(slot)).toEqual({ issuer, serial: serials[index] });
          expect(memory.statusOf(slot)).toEqual(status(isRevoked ? 1_000 : undefined));
        }
      }),
      { numRuns: 200 },
    );
  });

  it("finds each of many after it has grown", () => {
    const memory = new CertificateMemory();
    const serialOf = (i: number) => Uint8Array.of(1, i >> 16, i >> 8, i);
    for (let i = 0; i < 50_000; i++) memory.put({ issuer: 1, serial: serialOf(i) }, status(), i + 1);
    for (let i = 0; i < 50_000; i += 13) expect(memory.rowOf(memory.find(1, serialOf(i)))).toBe(i + 1);
    expect(memory.find(2, serialOf(1))).toBe(-1);
  });

  it("has a new version of a slot for each certificate in it", () => {
    const memory = new CertificateMemory();
    const slot = memory.put({ issuer: 1, serial: Uint8Array.of(1) }, status(), 1);
    const version = memory.versionOf(slot);
    memory.delete(slot);
    expect(memory.put({ issuer: 1, serial: Uint8Array.of(2) }, status(), 2)).toBe(slot);
    expect(memory.versionOf(slot)).not.toBe(version);
  });
});
