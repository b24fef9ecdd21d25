import type { CatalogueService } from "../service-catalogue.ts";
import type { Sighting, Source } from "./source.ts";

/** The services of deploy/policies/services.yaml, at their first names and ports, for one organisation. */
export function configurationSource(catalogue: readonly CatalogueService[], organisation: string): Source {
  const sightings = catalogue.flatMap(({ service, type, dnsNames, endpoints }) => {
    const [host] = dnsNames as [string];
    return endpoints.map(
      ({ port, scheme, health }): Sighting => ({
        ...{ organisation, service, type, host, port, scheme, health },
        name: host,
      }),
    );
  });
  return { name: "configuration", find: async () => sightings };
}
