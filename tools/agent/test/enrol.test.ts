import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { describe, expect, it } from "vitest";
import { contextOf } from "../src/agent.ts";
import { enrol, requestEnrolment } from "../src/enrol.ts";
import { maintain } from "../src/maintain.ts";
import { servedAt } from "../src/prove.ts";
import { newDoor } from "./door.ts";
import { newAgent, startService } from "./harness.ts";

const withCode = (code: string) => expect.objectContaining({ code });

describe("enrolment by token", () => {
  it("ends with a certificate that the service serves", async () => {
    const door = await newDoor();
    const agent = newAgent(door);
    await enrol(agent.context(), contactOf(door), { kind: "token", token: door.newToken() });
    const state = await maintain(agent.context(), { now: true });
    expect(state.lastError).toBeUndefined();
    expect(state.deployed?.serialHex).toBe(door.issued[0]);
    expect(statSync(join(agent.files, "key.pem")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(agent.files, "ca.pem"), "utf8")).toBe(door.bundlePem);
    const { address } = await startService(agent.files);
    expect(await servedAt(address)).toBe(door.issued[0]);
    expect(door.reports).toMatchObject([
      { kind: "deployed", serial_number: door.issued[0] },
      { kind: "bundle_acknowledged", anchors_sha256: [door.fingerprint] },
    ]);
  });

  it("sends nothing to a gateway with another root", async () => {
    const door = await newDoor();
    const agent = newAgent(door);
    const stranger = await newDoor();
    const contact = { server: door.origin, fingerprint: stranger.fingerprint };
    await expect(enrol(agent.context(), contact, { kind: "token", token: door.newToken() })).rejects.toEqual(
      withCode("SERVER_NOT_TRUSTED"),
    );
    expect(door.asked).toEqual(["GET /api/v1/trust/bundle"]);
  });

  it("sends nothing to a server that shows our root and has no certificate under it", async () => {
    const door = await newDoor();
    const impostor = await newDoor();
    impostor.bundlePem = door.bundlePem;
    const agent = newAgent(impostor);
    const contact = { server: impostor.origin, fingerprint: door.fingerprint };
    await expect(enrol(agent.context(), contact, { kind: "token", token: "t" })).rejects.toEqual(
      withCode("PEER_UNAVAILABLE"),
    );
    expect(impostor.asked).toEqual(["GET /api/v1/trust/bundle"]);
  });

  it("is refused with a token that is used up", async () => {
    const door = await newDoor();
    const token = door.newToken();
    await enrol(newAgent(door).context(), contactOf(door), { kind: "token", token });
    const second = newAgent(door);
    await expect(enrol(second.context(), contactOf(door), { kind: "token", token })).rejects.toEqual(
      withCode("CALLER_NOT_ALLOWED"),
    );
    const { held, pending } = second.context().store.read();
    expect([held, pending]).toEqual([undefined, undefined]);
  });

  it.each(["failed, not stored", "failed, but stored"] as const)(
    "that %s succeeds with the next try, with one certificate",
    async (fault) => {
      const door = await newDoor();
      const agent = newAgent(door);
      const attestation = { kind: "token", token: door.newToken() } as const;
      door.fault = fault;
      await expect(enrol(agent.context(), contactOf(door), attestation)).rejects.toThrow();
      door.fault = undefined;
      await enrol(agent.context(), contactOf(door), attestation);
      expect(door.issued).toHaveLength(1);
      expect(agent.context().store.read().held?.serialHex).toBe(door.issued[0]);
    },
  );

  it("names a wrong clock, before the token is spent", async () => {
    const door = await newDoor();
    const agent = newAgent(door, { clock: fakeClock(new Date(Date.now() - 86_400_000)) });
    await expect(enrol(agent.context(), contactOf(door), { kind: "token", token: door.newToken() })).rejects.toEqual(
      withCode("CLOCK_WRONG"),
    );
    expect(door.issued).toEqual([]);
  });
});

describe("enrolment by request", () => {
  it("waits for administrators, and is claimed once they agree", async () => {
    const door = await newDoor();
    const agent = newAgent(door);
    const { requestId, publicKey } = await requestEnrolment(agent.context(), contactOf(door));
    expect(publicKey).toMatch(/^[0-9a-f]{64}$/);
    expect((await requestEnrolment(agent.context(), contactOf(door))).requestId).toBe(requestId);
    expect(await maintain(agent.context(), { now: true })).toMatchObject({ lastError: { code: "APPROVAL_REQUIRED" } });
    door.approve(requestId, true);
    expect(await maintain(agent.context(), { now: true })).toMatchObject({ deployed: { serialHex: door.issued[0] } });
  });

  it("ends when they refuse", async () => {
    const door = await newDoor();
    const agent = newAgent(door);
    const { requestId } = await requestEnrolment(agent.context(), contactOf(door));
    door.approve(requestId, false);
    const { pending, lastError } = await maintain(agent.context(), { now: true });
    expect([pending, lastError?.code]).toEqual([undefined, "APPROVAL_REFUSED"]);
  });
});

describe("an identity that another one looks after", () => {
  it("gets its first certificate by that one", async () => {
    const door = await newDoor();
    const identities = [
      { organisation: "brandenburg", service: "argus" },
      { organisation: "brandenburg", service: "clara", managedBy: "argus" },
    ];
    const agent = newAgent(door, { identities });
    const [argus, clara] = agent.settings.identities.map(
      (identity) => () => contextOf(identity, agent.settings, agent.world),
    );
    if (!argus || !clara) throw new Error("there are two");
    expect((await maintain(clara(), { now: true })).held).toBeUndefined();
    await enrol(argus(), contactOf(door), { kind: "token", token: door.newToken() });
    expect(await maintain(clara(), { now: true })).toMatchObject({ deployed: { serialHex: door.issued[1] } });
    expect(door.asked).toContain("POST /api/v1/agent/provision");
  });
});

const contactOf = ({ origin, fingerprint }: { origin: string; fingerprint: string }) => ({
  server: origin,
  fingerprint,
});
