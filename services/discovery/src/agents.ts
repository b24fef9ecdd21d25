import { hash } from "node:crypto";
import { AuthorityServiceDefinition } from "@vcc-pki/proto/ca";
import { AgentReports } from "./agent-reports.ts";
import { agentService } from "./grpc/agents.ts";
import type { Part, PartContext } from "./part.ts";
import { AnchorTable } from "./store/anchors.ts";
import { Watches } from "./watch.ts";

const REMINDERS_INTERVAL_MS = 60_000;
const ANCHORS_INTERVAL_MS = 60_000;

/** What agents are told and what they say, and the trust anchors they are to take over. */
export function agents(context: PartContext): Part {
  const { store, registry, provisioning, notices, enrol, clock, trustDomain } = context;
  const authorities = context.connect(AuthorityServiceDefinition, "ca");
  const anchors = new AnchorTable(store.db);
  const watches = new Watches({ store, notices, anchors });

  async function lookAtAnchors(): Promise<void> {
    const { rootsDer } = await authorities.getTrustBundle({});
    const sha256 = rootsDer.map((der) => hash("sha256", der, "buffer")).sort(Buffer.compare);
    if (sha256.length === 0 || Buffer.concat(anchors.latest()?.sha256 ?? []).equals(Buffer.concat(sha256))) return;
    await store.write(() => anchors.insert(sha256, clock.now()));
    watches.wake();
  }

  return {
    services: [agentService({ watches, reports: new AgentReports(store, registry), registry, enrol, trustDomain })],
    chores: {
      reminders: {
        everyMs: REMINDERS_INTERVAL_MS,
        run: () => store.write(() => provisioning.remind()),
      },
      anchors: { everyMs: ANCHORS_INTERVAL_MS, run: lookAtAnchors },
    },
  };
}
