import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@vcc-pki/telemetry";
import type { FakeClock } from "@vcc-pki/testkit/clock";
import { onTestFinished } from "vitest";
import { contextOf } from "../src/agent.ts";
import { AgentConfig, type Identity, IdentityConfig, type Settings } from "../src/config.ts";
import { LayoutProfile } from "../src/layout.ts";
import type { Door } from "./door.ts";

export interface AgentOptions {
  readonly clock?: FakeClock;
  readonly reload?: unknown;
  readonly proof?: unknown;
  readonly identities?: readonly Record<string, unknown>[];
}

/** An agent with a home of its own and, unless told otherwise, one identity: argus of brandenburg, whose files are in `files`. */
export function newAgent(
  door: Pick<Door, "origin" | "clock">,
  { clock = door.clock, reload, proof, identities }: AgentOptions = {},
) {
  const home = mkdtempSync(join(tmpdir(), "vcc-agent-"));
  const files = join(home, "argus");
  const argus = { organisation: "brandenburg", service: "argus", dns: ["argus.vcc.internal"], reload, proof };
  const settings: Settings = {
    ...AgentConfig.parse({ server: door.origin, stateDir: join(home, "state"), spread: "1s", identities: [] }),
    identities: (identities ?? [argus]).map((identity) => toIdentity(identity, join(home, String(identity.service)))),
  };
  const world = { clock, random: () => 0.5, log: silentLogger };
  const [identity] = settings.identities;
  if (!identity) throw new Error("an agent has an identity");
  return { home, files, settings, world, clock, identity, context: () => contextOf(identity, settings, world) };
}

function toIdentity(config: Record<string, unknown>, directory: string): Identity {
  const identity = IdentityConfig.parse(config);
  const { organisation, service } = identity;
  mkdirSync(directory, { recursive: true });
  return {
    ...identity,
    name: service,
    spiffeId: `spiffe://vcc.internal/org/${organisation}/service/${service}`,
    layout: {
      directory,
      profile: LayoutProfile.parse({ certificate: "cert.pem", key: "key.pem", trust: "ca.pem" }),
      links: true,
    },
  };
}

/** The HTTPS service of https-service.ts, which has its files. */
export async function startService(
  directory: string,
  { stubborn = false } = {},
): Promise<{ address: string; process: ChildProcess }> {
  const service = spawn(process.execPath, [join(import.meta.dirname, "https-service.ts"), directory], {
    env: { ...process.env, STUBBORN: stubborn ? "1" : "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void service.kill("SIGKILL"));
  const [port] = await once(service.stdout, "data");
  return { address: `127.0.0.1:${String(port).trim()}`, process: service };
}
