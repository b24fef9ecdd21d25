import { OrganizationServiceDefinition } from "@vcc-pki/proto/ca";
import { extAuthzService } from "../grpc/ext-authz.ts";
import { policyService } from "../grpc/policy.ts";
import type { Part, PartContext } from "../part.ts";
import { readServiceCatalogue } from "../service-catalogue.ts";
import { CrossGrantTable } from "../store/cross-grants.ts";
import { MatrixTable } from "../store/matrices.ts";
import { CrossGrants } from "./cross-grants.ts";
import { Decisions, type Judgement } from "./decisions.ts";
import { Matrices } from "./matrices.ts";
import { ServiceTypes } from "./service-types.ts";
import { ShippedMatrix } from "./shipped-matrix.ts";

const RELOAD_INTERVAL_MS = 2_000;
const FLUSH_INTERVAL_MS = 5_000;

/** Whom services may call: the matrices, who asks of them, and Envoys that ask for each request. */
export function policy(context: PartContext): Part {
  const { config, store, clock, log, telemetry, trustDomain, registry, requests, administrators, self } = context;
  const table = new MatrixTable(store.db);
  const crossGrantTable = new CrossGrantTable(store.db);
  const types = new ServiceTypes(registry, readServiceCatalogue(config.catalogueFile));
  const matrices = new Matrices({ store, table, types, clock });
  registry.onChange((record) => matrices.onService(record));
  const decisions = new Decisions({ matrices, grants: crossGrantTable, clock });
  const organisations = context.connect(OrganizationServiceDefinition, "ca");
  const crossGrants = new CrossGrants({ store, table: crossGrantTable, organisations, clock });
  const shipped = new ShippedMatrix({
    ...{ file: config.matrixFile, matrices, table, store, log, self, organisation: config.organisation },
  });
  const decided = telemetry.meter.createCounter("pki.policy.decisions", { description: "Decisions, by their reason" });
  const count = (outcome: Judgement["reason"], times: number) => decided.add(times, { outcome });
  const { dependencies } = context;
  const observe = (...call: Parameters<typeof dependencies.observe>) => dependencies.observe(...call);
  const door = { store, observe, matrices, decisions, requests, administrators, crossGrants, crossGrantTable };
  return {
    services: [
      policyService({ ...door, clock, trustDomain, count }),
      extAuthzService({ decisions, trustDomain, count, observe }),
    ],
    chores: {
      dependencies: { everyMs: FLUSH_INTERVAL_MS, run: () => dependencies.flush() },
      matrix: { everyMs: RELOAD_INTERVAL_MS, run: () => shipped.reload() },
    },
    close: () => dependencies.flush().catch((error) => log.warn("the last observed calls are lost", { error })),
    // A mistake in the file does not stop what works: it is logged, told, and the one before decides.
    ready: () => ({
      matrix: matrices.newest(config.organisation) !== undefined || (shipped.problem ?? "not read yet"),
    }),
  };
}
