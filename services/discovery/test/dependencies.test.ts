import { randomUUID } from "node:crypto";
import { Service } from "@vcc-pki/proto/discovery";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { ADMIN, CLARA, type DiscoveryHarness, newDiscovery, STRANGER } from "./harness.ts";

let harness: DiscoveryHarness;
beforeAll(async () => {
  harness = await newDiscovery();
});
afterEach(() => {
  delete harness.storeFaults.beforeCommit;
});
afterAll(() => harness.close());

const dependencies = async (requester = ADMIN) =>
  (await harness.as(requester).registry.getDependencies({ organisation: "" })).dependencies;
const question = { source: "", targetService: "argus", targetOrganisation: "", method: "", path: "" };
/** As Clara does, before she calls Argus. */
const ask = () => harness.as(CLARA).policy.checkBatch({ checks: [question, question] });

it("are what services declare and what they were seen asking for, over a restart and a full disk", async () => {
  const said = { service: "clara", dependsOn: ["argus", "covina"] };
  const service = { ...Service.decode(new Uint8Array()), ...said };
  await harness.as().registry.register({ requestId: randomUUID(), service });
  await ask();
  harness.storeFaults.beforeCommit = () => {
    throw new Error("the disk is full");
  };
  await harness.discovery.runChores();
  delete harness.storeFaults.beforeCommit;
  await ask();
  await harness.restart();

  const found = await dependencies();
  expect(found).toMatchObject([
    { source: "clara", target: "argus", declared: true, observedAt: harness.clock.now() },
    { source: "clara", target: "covina", declared: true, allowedCalls: 0, deniedCalls: 0, observedAt: undefined },
  ]);
  expect((found[0]?.allowedCalls ?? 0) + (found[0]?.deniedCalls ?? 0)).toBe(4);
});

it("are not what an administrator asks about, nor another organisation's to see", async () => {
  const before = await dependencies();
  await harness.as().policy.check({ ...question, source: "veritas" });
  await harness.discovery.runChores();
  expect(await dependencies()).toEqual(before);
  expect(await dependencies(STRANGER)).toEqual([]);
  await expect(dependencies(CLARA)).rejects.toThrow(expect.objectContaining({ code: "CALLER_NOT_ALLOWED" }));
});
