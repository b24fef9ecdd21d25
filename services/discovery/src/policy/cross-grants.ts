import { randomUUID } from "node:crypto";
import { PkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import type { Isolation } from "@vcc-pki/matrix";
import { IsolationLevel, type OrganizationServiceDefinition } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import type { CrossCall, CrossGrantRecord, CrossGrantTable } from "../store/cross-grants.ts";

export interface CrossGrantsOptions {
  readonly store: Store;
  readonly table: CrossGrantTable;
  readonly organisations: Pick<Remote<OrganizationServiceDefinition>, "getIsolation">;
  readonly clock: Clock;
}

export interface Isolations {
  readonly source: Isolation;
  readonly target: Isolation;
}

/** Calls across: two organisations, each saying the same for itself. */
export class CrossGrants {
  readonly #options: CrossGrantsOptions;

  constructor(options: CrossGrantsOptions) {
    this.#options = options;
  }

  /** How far each side keeps to itself, which never changes. Throws NOT_FOUND for an organisation that there is not or that is strict, for nobody
   *  else's business is which it is; REQUEST_MALFORMED for words that would never count; PEER_UNAVAILABLE when the ca is away. */
  async isolationsOf(organisation: string, call: CrossCall): Promise<Isolations> {
    const { sourceOrganisation, targetOrganisation, sourceService, targetService, expiresAt } = call;
    if (sourceOrganisation === targetOrganisation) throw malformed("within one organisation its matrix decides");
    if (organisation !== sourceOrganisation && organisation !== targetOrganisation)
      throw malformed("an organisation speaks for calls of its own");
    const life = expiresAt.getTime() - this.#options.clock.now().getTime();
    if (life <= 0 || life > MAX_LIFE_MS) throw malformed("a grant ends in the future, within two years");
    const [source, target] = await Promise.all([
      this.#isolationOf(sourceOrganisation),
      this.#isolationOf(targetOrganisation),
    ]);
    if (source === "strict" || target === "strict")
      throw new PkiError("NOT_FOUND", "no such organisation to share with");
    const hasWildcard = sourceService.includes("*") || targetService.includes("*");
    if (hasWildcard && (source !== "federated" || target !== "federated"))
      throw malformed("a wildcard counts between federated organisations alone");
    return { source, target };
  }

  /** One side's word. Inside `store.write`. A repeat changes nothing. */
  grant(organisation: string, call: CrossCall, { source, target }: Isolations, actor: string): CrossGrantRecord {
    const { table } = this.#options;
    const isSource = organisation === call.sourceOrganisation;
    const said = table.findSaid(call) ?? {
      ...{ ...call, id: randomUUID(), sourceIsolation: source, targetIsolation: target },
      ...{ grantedBySource: undefined, grantedByTarget: undefined, withdrawnAt: undefined },
    };
    const granted = {
      ...said,
      grantedBySource: said.grantedBySource ?? (isSource ? actor : undefined),
      grantedByTarget: said.grantedByTarget ?? (isSource ? undefined : actor),
    };
    table.put(granted);
    this.#tell(granted);
    return granted;
  }

  /** Either side ends it. Inside `store.write`. Throws NOT_FOUND for one that does not name the organisation. */
  withdraw(organisation: string, id: string): CrossGrantRecord {
    const { table, clock } = this.#options;
    const found = table.find(id);
    if (found === undefined || ![found.sourceOrganisation, found.targetOrganisation].includes(organisation))
      throw new PkiError("NOT_FOUND", "no such grant");
    if (found.withdrawnAt !== undefined) return found;
    const withdrawn = { ...found, withdrawnAt: clock.now() };
    table.put(withdrawn);
    this.#tell(withdrawn);
    return withdrawn;
  }

  #tell({ id, sourceOrganisation, targetOrganisation }: CrossGrantRecord): void {
    for (const organisation of [sourceOrganisation, targetOrganisation])
      this.#options.store.outbox.add(
        event("pki.policy.changed.v1", organisation, { policy: "cross-grant", policyId: id }),
      );
  }

  async #isolationOf(organisation: string): Promise<Isolation> {
    const { isolationLevel } = await this.#options.organisations.getIsolation({ organisation });
    if (isolationLevel === IsolationLevel.COLLABORATIVE) return "collaborative";
    return isolationLevel === IsolationLevel.FEDERATED ? "federated" : "strict";
  }
}

const MAX_LIFE_MS = 2 * 366 * 86_400_000;
const malformed = (message: string): PkiError => new PkiError("REQUEST_MALFORMED", message);
