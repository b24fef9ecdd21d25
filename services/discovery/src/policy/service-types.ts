import type { Registry } from "../registry.ts";
import type { CatalogueService } from "../service-catalogue.ts";
import { isApproved, type ServiceRecord } from "../service-record.ts";

const MAX_SERVICES = 100_000;

/** What type each service is of, since rules speak of types, too: as the registry has it of services that were approved, else as the catalogue has it.
 *  What a source has merely seen, or nobody has approved, gains nothing by what it says it is. */
export class ServiceTypes {
  readonly #registry: Registry;
  readonly #known: Readonly<Record<string, string>>;

  constructor(registry: Registry, catalogue: readonly CatalogueService[]) {
    this.#registry = registry;
    this.#known = shippedTypes(catalogue);
  }

  /** As long as nobody has registered anything. */
  get shipped(): Readonly<Record<string, string>> {
    return this.#known;
  }

  /** By service of the organisation. */
  of(organisation: string): Readonly<Record<string, string>> {
    const approved = this.#registry
      .page({ organisation, state: "", type: "" }, "", MAX_SERVICES)
      .filter(isApproved)
      .map(({ service, type }) => [service, type]);
    return { ...this.#known, ...Object.fromEntries(approved) };
  }

  /** What it is of, with this record. */
  typeOf(record: ServiceRecord): string | undefined {
    if (isApproved(record)) return record.type;
    return Object.hasOwn(this.#known, record.service) ? this.#known[record.service] : undefined;
  }
}

/** By the name in its identity; what else a service is called is nobody's identity. */
export const shippedTypes = (catalogue: readonly CatalogueService[]): Readonly<Record<string, string>> =>
  Object.fromEntries(catalogue.map(({ service, type }) => [service, type]));
