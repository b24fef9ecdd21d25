import { AddressGuard } from "@vcc-pki/network";
import { AuthorityServiceDefinition, CrlServiceDefinition } from "@vcc-pki/proto/ca";
import { SuiteTrust } from "@vcc-pki/service";
import { OID } from "@vcc-pki/x509";
import type { DiscoveryConfig } from "../config.ts";
import { inventoryService } from "../grpc/inventory.ts";
import type { Part, PartContext } from "../part.ts";
import { readServiceCatalogue } from "../service-catalogue.ts";
import { configurationSource } from "../sources/configuration.ts";
import { dnsSource } from "../sources/dns-srv.ts";
import { dockerSource } from "../sources/docker.ts";
import { kubernetesSource } from "../sources/kubernetes.ts";
import type { Source } from "../sources/source.ts";
import { EndpointTable, ServedCertificateTable } from "../store/endpoints.ts";
import { SweepTable } from "../store/sweeps.ts";
import { Inventory } from "./inventory.ts";
import { Looks } from "./looks.ts";
import { Probers } from "./probers.ts";
import { Sweeps } from "./sweeps.ts";

const TRUST_INTERVAL_MS = 60_000;
const SWEEP_INTERVAL_MS = 1_000;
const FORGET_INTERVAL_MS = 3_600_000;
/** Certificates that nobody serves any more. */
const FORGET_AFTER_MS = 90 * 86_400_000;
const DNS_TIMEOUT_MS = 2_000;

/** What the configuration names, without connecting to anything. Throws CONFIG_INVALID. */
export function checkInventory(config: DiscoveryConfig): void {
  for (const networks of Object.values(config.probes.networks)) new AddressGuard(networks);
  openSources(config);
}

/** What certificates are served out there: looks at services and at what sources tell, sweeps, and the RPCs. */
export function inventoryPart(context: PartContext): Part {
  const { clock, log, store, registry, provisioning, requests, administrators, self, config, identity, connect } =
    context;
  const trust = new SuiteTrust({
    authorities: connect(AuthorityServiceDefinition, "ca"),
    crls: connect(CrlServiceDefinition, "ca"),
    ...{ purposes: [OID.serverAuth], log },
  });
  const endpoints = new EndpointTable(store.db);
  const certificates = new ServedCertificateTable(store.db);
  const sweepTable = new SweepTable(store.db);
  const inventory = new Inventory({ store, endpoints, certificates, registry, provisioning, self });
  const probers = new Probers(config.probes, { trust, identity, clock });
  const sweeps = new Sweeps({
    ...{ store, inventory, probers, trust, clock, log },
    table: sweepTable,
    config: config.probes,
  });
  const looks = new Looks({
    ...{ store, registry, inventory, probers, trust, self, log, profiles: config.profiles },
    ...{ sources: openSources(config), config: config.probes },
  });
  return {
    services: [
      inventoryService({
        store,
        administrators,
        requests,
        endpoints,
        certificates,
        sweepTable,
        sweeps,
        inventory,
        probers,
        clock,
      }),
    ],
    chores: {
      probeTrust: { everyMs: TRUST_INTERVAL_MS, run: () => trust.run() },
      looks: { everyMs: config.probes.interval, run: () => looks.run() },
      sweeps: { everyMs: SWEEP_INTERVAL_MS, run: () => void sweeps.run() },
      forget: {
        everyMs: FORGET_INTERVAL_MS,
        run: () => store.write(() => certificates.forget(new Date(clock.now().getTime() - FORGET_AFTER_MS))),
      },
    },
    stop() {
      looks.stop();
      sweeps.stop();
    },
    close: () => sweeps.close(),
  };
}

function openSources({ sources, catalogueFile }: DiscoveryConfig): Source[] {
  const { configuration, dns, kubernetes, docker } = sources;
  return [
    configuration && configurationSource(readServiceCatalogue(catalogueFile), configuration.organisation),
    dns && dnsSource({ ...dns, timeoutMs: DNS_TIMEOUT_MS }),
    kubernetes && kubernetesSource(kubernetes),
    docker && dockerSource(docker),
  ].filter((source) => source !== undefined);
}
