import { resolve } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";

const launcher = resolve(import.meta.dirname, "../../../pki");

describe("./pki soak", () => {
  it("status, in short: no wrong answer, though ocsp is killed again and again", async () => {
    const words = ["soak", "status", "--minutes", "0.6", "--kill-every", "12", "--json"];
    const { stdout, stderr, exitCode } = await execa(launcher, words, { reject: false, stdin: "ignore" });
    expect(exitCode, `${stdout}\n${stderr}`).toBe(0);
    const { wrong, figures } = JSON.parse(String(stdout));
    expect(wrong).toBe(0);
    expect(figures.kills.ocsp).toBeGreaterThanOrEqual(2);
    for (const kind of ["good", "revoked", "unknown"]) expect(figures.answers[kind]).toBeGreaterThan(0);
    for (const change of ["issued", "revoked", "held", "released"]) expect(figures.changes[change]).toBeGreaterThan(0);
    expect(figures.lists.list).toBeGreaterThan(0);
  }, 240_000);

  it("tsa, in short: every token is good and in its log, though both replicas and the hsm-gateway are killed", async () => {
    const words = ["soak", "tsa", "--minutes", "0.6", "--kill-every", "12", "--json"];
    const { stdout, stderr, exitCode } = await execa(launcher, words, { reject: false, stdin: "ignore" });
    expect(exitCode, `${stdout}\n${stderr}`).toBe(0);
    const { wrong, figures } = JSON.parse(String(stdout));
    expect(wrong).toBe(0);
    for (const name of ["tsa", "tsa-2", "hsm-gateway"]) expect(figures.kills[name]).toBeGreaterThan(0);
    for (const manner of ["http", "grpc", "bulk"]) expect(figures.outcomes[`${manner}: token`]).toBeGreaterThan(0);
    expect(figures.outcomes["http: systemFailure"]).toBeGreaterThan(0);
    expect(figures.lookedUp).toBe(figures.answered.tsa + figures.answered["tsa-2"]);
    expect(figures.told).toEqual(figures.logged);
    expect(figures.natsAwayMs).toBeGreaterThan(0);
  }, 240_000);

  it("wants the name of a soak", async () => {
    expect((await execa(launcher, ["soak", "nothing"], { reject: false })).exitCode).toBe(2);
    expect((await execa(launcher, ["soak"], { reject: false })).exitCode).toBe(2);
    expect((await execa(launcher, ["soak", "status", "--kill", "tsa"], { reject: false })).exitCode).toBe(2);
    expect((await execa(launcher, ["soak", "--help"], { reject: false })).stdout).toContain("status");
  });
});
