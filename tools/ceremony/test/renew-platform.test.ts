import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HealthCheckResponse_ServingStatus, HealthDefinition } from "@vcc-pki/proto/health";
import { connect, serve, suiteId } from "@vcc-pki/rpc";
import { fileIdentity } from "@vcc-pki/service";
import { type Home, lockHome, servicesWithoutIdentity } from "@vcc-pki/suite-tool";
import { silentLogger as log } from "@vcc-pki/telemetry";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { systemClock } from "@vcc-pki/time";
import { expect, it, onTestFinished } from "vitest";
import { renewPlatform, verifyTranscript } from "../src/index.ts";
import { newHome, openssl, run } from "./harness.ts";

const DAY_MS = 86_400_000;

/** Asks a server with the identity of the ca, as the gateway, how it is: over real mutual TLS, whose clock is the machine's. */
async function askOverMutualTls(home: Home): Promise<HealthCheckResponse_ServingStatus> {
  const identity = fileIdentity(home.identity("ca"), log);
  onTestFinished(() => identity.close());
  const server = await serve({
    ...{ host: "127.0.0.1", port: 0, identity, services: [], mayForward: [], clock: systemClock, log },
  });
  const client = fileIdentity(home.identity("gateway"), log);
  const address = `127.0.0.1:${server.port}`;
  const health = connect(HealthDefinition, { address, identity: client, expect: suiteId("ca"), log });
  try {
    return (await health.check({ service: "" }, { deadlineMs: 5_000 })).status;
  } finally {
    health.close();
    client.close();
    await server.close(0);
  }
}

it("repairs a suite whose own certificates have all expired", async () => {
  // The ceremony was forty days ago, and today is forty days later.
  const clock = fakeClock(new Date(systemClock.now().getTime() - 40 * DAY_MS));
  const home = newHome();
  await run({ home, clock });
  clock.advance(40 * DAY_MS);
  await expect(askOverMutualTls(home)).rejects.toMatchObject({ code: "PEER_UNAVAILABLE" });
  const before = readFileSync(join(home.identity("ca"), "key.pem"), "utf8");

  const entry = await renewPlatform({ home, clock, log });

  expect(entry.facts.identities).toHaveLength(9);
  expect(readFileSync(join(home.identity("ca"), "key.pem"), "utf8")).not.toBe(before);
  const chain = join(home.identity("gateway"), "chain.pem");
  const gateway = openssl("x509", "-in", chain, "-noout", "-ext", "subjectAltName");
  expect(gateway).toContain("URI:spiffe://vcc.internal/pki/gateway");
  expect(gateway).toContain("DNS:localhost");
  expect(await askOverMutualTls(home)).toBe(HealthCheckResponse_ServingStatus.SERVING);
  expect(verifyTranscript(home).at(-1)?.event).toBe("platform renewed");
});

it("gives a service that the home is older than its first identity and database key, and leaves the other keys alone", async () => {
  const home = newHome();
  await run({ home });
  rmSync(home.identity("ocsp"), { recursive: true });
  const keyOf = (service: string) => readFileSync(home.database(service).keyFile, "utf8");
  const before = keyOf("ca");
  rmSync(home.database("ocsp").keyFile);
  expect(servicesWithoutIdentity(home)).toEqual(["ocsp"]);

  const entry = await renewPlatform({ home, clock: systemClock, log });

  expect(servicesWithoutIdentity(home)).toEqual([]);
  const subject = openssl("x509", "-in", join(home.identity("ocsp"), "chain.pem"), "-noout", "-ext", "subjectAltName");
  expect(subject).toContain("URI:spiffe://vcc.internal/pki/ocsp");
  expect(entry.facts.databaseKeys).toEqual(["ocsp"]);
  expect(keyOf("ocsp")).toMatch(/^[0-9a-f]{64}\n$/);
  expect(keyOf("ca")).toBe(before);
});

it("makes no new key for a database that has lost its own", async () => {
  const home = newHome();
  await run({ home });
  const { file, keyFile } = home.database("ocsp");
  writeFileSync(file, "");
  rmSync(keyFile);
  await renewPlatform({ home, clock: systemClock, log });
  expect(existsSync(keyFile)).toBe(false);
});

it("does not touch a suite that runs, or a home that had no ceremony", async () => {
  const home = newHome();
  await expect(renewPlatform({ home, clock: systemClock, log })).rejects.toMatchObject({ code: "NOT_FOUND" });
  await run({ home });
  const lock = lockHome(home);
  onTestFinished(() => lock.release());
  await expect(renewPlatform({ home, clock: systemClock, log })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
});
