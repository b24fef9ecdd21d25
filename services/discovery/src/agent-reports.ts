import { PkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import type { Store } from "@vcc-pki/store";
import type { Registry } from "./registry.ts";
import type { ServiceKey } from "./service-record.ts";

/** What an agent says it has done, or could not do. */
export interface AgentEvent {
  readonly kind: "deployed" | "served" | "failed" | "bundle_acknowledged";
  /** "": the requester's own. */
  readonly service: string;
  /** "": none. */
  readonly serialHex: string;
  readonly endpoint: string;
  readonly detail: string;
  readonly anchorsSha256: readonly Uint8Array[];
}

export interface Reporter extends ServiceKey {
  /** SPIFFE URI. */
  readonly uri: string;
}

const MAX_DETAIL = 300;

/** What agents report. It is their word: it moves no service to another state, but that it serves the certificate it was given. */
export class AgentReports {
  readonly #store: Store;
  readonly #registry: Registry;

  constructor(store: Store, registry: Registry) {
    this.#store = store;
    this.#registry = registry;
  }

  /** All of them in one transaction. Throws NOT_FOUND for a service that is not the agent's to speak of. */
  async record(agent: Reporter, events: readonly AgentEvent[]): Promise<void> {
    await this.#store.write(() => {
      this.#registry.seen(agent);
      for (const each of events) this.#record(agent, each);
    });
  }

  #record(agent: Reporter, { kind, service, serialHex, endpoint, detail, anchorsSha256 }: AgentEvent): void {
    const { organisation } = agent;
    const key = { organisation, service: service || agent.service };
    const record = this.#registry.find(key);
    const isOwn = key.service === agent.service || record?.managedBy === agent.service;
    if (record === undefined || !isOwn) throw new PkiError("NOT_FOUND", "no such service");
    const said = [serialHex, endpoint, ...anchorsSha256.map((each) => Buffer.from(each).toString("hex")), detail];
    const cause = {
      actor: agent.uri,
      reason: said
        .filter((text) => text !== "")
        .join(" ")
        .slice(0, MAX_DETAIL),
    };
    if (kind === "served" && this.#registry.served(key, serialHex, cause)) return;
    this.#registry.note(key, kind, cause);
    if (kind !== "failed") return;
    const data = { service: key.service, detail: cause.reason };
    this.#store.outbox.add(event("pki.service.failed.v1", organisation, data));
  }
}
