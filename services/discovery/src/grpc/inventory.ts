import { PkiError } from "@vcc-pki/errors";
import { findAddress } from "@vcc-pki/network";
import {
  type EndpointChange as EndpointChangeMessage,
  type InventoryEndpoint,
  InventoryServiceDefinition,
  type ServedCertificate as ServedCertificateMessage,
  StartSweepRequest,
  type Sweep as SweepMessage,
  Verdict as VerdictMessage,
} from "@vcc-pki/proto/discovery";
import { type Callers, implement, requestKey, type ServiceImplementation } from "@vcc-pki/rpc";
import type { Administrators } from "@vcc-pki/service";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import { z } from "zod";
import type { CertificateRecord, EndpointChange, EndpointRecord } from "../inventory/endpoint.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { Probers } from "../inventory/probers.ts";
import type { Sweeps } from "../inventory/sweeps.ts";
import { HEALTH_DIALECTS } from "../probe/health-dialect.ts";
import type { ProbeTarget } from "../probe/probe.ts";
import { VERDICTS, type Verdict } from "../probe/verdict.ts";
import { type EndpointTable, MAX_CHANGES, type ServedCertificateTable } from "../store/endpoints.ts";
import type { RequestTable } from "../store/requests.ts";
import type { SweepRecord, SweepTable } from "../store/sweeps.ts";

export interface InventoryDoor {
  readonly store: Store;
  readonly administrators: Administrators;
  readonly requests: RequestTable;
  readonly endpoints: EndpointTable;
  readonly certificates: ServedCertificateTable;
  readonly sweepTable: SweepTable;
  readonly sweeps: Sweeps;
  readonly inventory: Inventory;
  readonly probers: Probers;
  readonly clock: Clock;
}

/** Administrators come through the gateway. */
const DOOR = ["gateway"] as const;

const CALLERS: Callers<typeof InventoryServiceDefinition> = {
  listInventory: DOOR,
  getEndpoint: DOOR,
  probe: DOOR,
  startSweep: DOOR,
  getSweep: DOOR,
};

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1_000;

const host = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}$|^::[0-9a-fA-F:]*$/, "a host name or an address");
const Target = z.object({
  host,
  port: z.int().min(1).max(65_535),
  name: z.union([z.literal(""), host]),
  healthPath: z.union([z.literal(""), z.string().regex(/^\/[!-~]{0,255}$/, "a path from the root")]),
  healthDialect: z.enum(HEALTH_DIALECTS),
});

export function inventoryService(door: InventoryDoor): ServiceImplementation {
  const { store, administrators, requests, endpoints, certificates, sweepTable, sweeps, inventory, probers, clock } =
    door;
  const toProto = (record: EndpointRecord, isWhole: boolean) => endpointToProto(record, isWhole, certificates);
  return implement(
    InventoryServiceDefinition,
    {
      async listInventory({ organisation, verdict, service, expiresBefore, pageSize, pageToken }, context) {
        const acting = await administrators.resolveOrganisation(context, organisation);
        const size = Math.min(pageSize || DEFAULT_PAGE, MAX_PAGE);
        const filter = { organisation: acting, verdict: verdictFromProto(verdict), service, expiresBefore };
        const found = endpoints.page(filter, pageToken, size + 1);
        const page = found.slice(0, size);
        const nextPageToken = found.length > size ? (page.at(-1)?.endpoint ?? "") : "";
        return { endpoints: page.map((record) => toProto(record, false)), nextPageToken };
      },

      async getEndpoint({ organisation, endpoint }, context) {
        const acting = await administrators.resolveOrganisation(context, organisation);
        const record = endpoints.find(acting, endpoint);
        if (record === undefined) throw new PkiError("NOT_FOUND", "no such endpoint");
        const changes = endpoints.changes(acting, endpoint, MAX_CHANGES);
        return { endpoint: toProto(record, true), changes: changes.map(changeToProto) };
      },

      async probe(request, context) {
        const organisation = await administrators.resolveOrganisation(context, request.organisation);
        const seen = await probers.of(organisation).prober.probe(targetFromProto(request), context.signal);
        const record = await store.write(() => {
          const details = { host: request.host, port: String(request.port), verdict: seen.verdict };
          store.audit.add({
            ...{ action: "inventory.probe", outcome: "done", caller: context.caller.uri, organisation, details },
            requester: context.requester.uri,
          });
          return inventory.record(seen, { organisation, service: "", source: "probe" });
        });
        return toProto(record, true);
      },

      async startSweep(request, context) {
        const organisation = await administrators.resolveOrganisation(context, request.organisation);
        const key = requestKey(context, "startSweep", StartSweepRequest, request);
        const planned = sweeps.plan(organisation, request.networks, request.ports);
        const sweep = await store.write(() => {
          const earlier = requests.find(key);
          if (earlier !== undefined) return getSweep(sweepTable, organisation, earlier);
          sweeps.begin(planned);
          requests.insert(key, planned.sweepId, clock.now());
          const { sweepId: target, total, networks } = planned;
          store.audit.add({
            ...{ action: "inventory.sweep", outcome: "done", caller: context.caller.uri, organisation, target },
            ...{
              requester: context.requester.uri,
              requestId: key.requestId,
              details: { total, networks: networks.join(" ") },
            },
          });
          return planned;
        });
        void sweeps.run();
        return sweepToProto(sweep);
      },

      async getSweep({ organisation, sweepId }, context) {
        return sweepToProto(
          getSweep(sweepTable, await administrators.resolveOrganisation(context, organisation), sweepId),
        );
      },
    },
    CALLERS,
  );
}

/** Throws NOT_FOUND. */
function getSweep(table: SweepTable, organisation: string, sweepId: string): SweepRecord {
  const sweep = sweepId === "" ? table.newest(organisation) : table.find(organisation, sweepId);
  if (sweep === undefined) throw new PkiError("NOT_FOUND", "no such sweep");
  return sweep;
}

function targetFromProto(request: Record<keyof z.input<typeof Target>, unknown>): ProbeTarget {
  const parsed = Target.safeParse({ ...request, healthDialect: request.healthDialect || "auto" });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new PkiError("REQUEST_MALFORMED", `${issue?.path.join(".")}: ${issue?.message}`);
  }
  const { host, port, name, healthPath, healthDialect } = parsed.data;
  return {
    ...{ host, port, scheme: "https", name: name || (findAddress(host) ? undefined : host) },
    health: healthPath === "" ? undefined : { path: healthPath, dialect: healthDialect },
  };
}

const VERDICT_MESSAGES = {
  ours: VerdictMessage.OURS,
  foreign: VerdictMessage.FOREIGN,
  expired: VerdictMessage.EXPIRED,
  wrong_name: VerdictMessage.WRONG_NAME,
  self_signed: VerdictMessage.SELF_SIGNED,
  revoked: VerdictMessage.REVOKED,
  invalid: VerdictMessage.INVALID,
  plaintext: VerdictMessage.PLAINTEXT,
  unreachable: VerdictMessage.UNREACHABLE,
} as const satisfies Record<Verdict, VerdictMessage>;

/** "": any. */
function verdictFromProto(verdict: VerdictMessage): Verdict | "" {
  if (verdict === VerdictMessage.UNSPECIFIED) return "";
  const found = VERDICTS.find((name) => VERDICT_MESSAGES[name] === verdict);
  if (found === undefined) throw new PkiError("REQUEST_MALFORMED", "no such verdict");
  return found;
}

function endpointToProto(
  record: EndpointRecord,
  isWhole: boolean,
  certificates: ServedCertificateTable,
): InventoryEndpoint {
  const chain = (isWhole ? record.chain : record.chain.slice(0, 1)).flatMap((each) => certificates.find(each) ?? []);
  return {
    ...record,
    verdict: VERDICT_MESSAGES[record.verdict],
    chain: chain.map((certificate) => certificateToProto(certificate, isWhole)),
  };
}

const certificateToProto = (
  { fingerprint, der, ...certificate }: CertificateRecord,
  isWhole: boolean,
): ServedCertificateMessage => ({
  ...certificate,
  ...{ dnsNames: [...certificate.dnsNames], ipAddresses: [...certificate.ipAddresses], uris: [...certificate.uris] },
  ...{
    fingerprintSha256: Buffer.from(fingerprint, "hex"),
    certificateDer: isWhole ? Buffer.from(der) : Buffer.alloc(0),
  },
});

const changeToProto = ({ at, from, to, reason, fingerprint = "" }: EndpointChange): EndpointChangeMessage => ({
  ...{ at, reason, toVerdict: VERDICT_MESSAGES[to], fingerprintSha256: Buffer.from(fingerprint, "hex") },
  fromVerdict: from === undefined ? VerdictMessage.UNSPECIFIED : VERDICT_MESSAGES[from],
});

const sweepToProto = ({ next, ...sweep }: SweepRecord): SweepMessage => ({
  ...sweep,
  ...{ probed: next, networks: [...sweep.networks], ports: [...sweep.ports], verdicts: { ...sweep.verdicts } },
});
