import { PkiError } from "@vcc-pki/errors";
import { z } from "zod";
import { getJson } from "./json-get.ts";
import { MAX_SIGHTINGS, type Sighting, type Source, toSighting } from "./source.ts";

export interface DockerSourceOptions {
  /** The Engine's Unix socket. Who may use it is root on that host: give discovery a proxy that allows GET /containers/json alone. */
  readonly socketPath: string;
  readonly organisation: string;
}

/** Labels of a container that is a service of ours. The first makes it one. */
const LABELS = {
  service: "vcc.service",
  type: "vcc.type",
  /** Default: the only private TCP port. */
  port: "vcc.port",
  scheme: "vcc.scheme",
  health: "vcc.health-path",
  /** Default: the container's address in its first network by name. */
  host: "vcc.host",
} as const;

/** What we read of GET /containers/json (Docker Engine API v1.43, ContainerSummary). */
const Containers = z.array(
  z.object({
    Labels: z.record(z.string(), z.string()).nullish(),
    Ports: z.array(z.object({ PrivatePort: z.number(), Type: z.string() })).nullish(),
    NetworkSettings: z
      .object({ Networks: z.record(z.string(), z.object({ IPAddress: z.string().nullish() })).nullish() })
      .nullish(),
  }),
);

type Container = z.output<typeof Containers>[number];

/** Running containers with a label `vcc.service`. */
export function dockerSource({ socketPath, organisation }: DockerSourceOptions): Source {
  const filters = encodeURIComponent(JSON.stringify({ label: [LABELS.service], status: ["running"] }));
  return {
    name: "docker",
    async find(signal) {
      const answer = Containers.safeParse(
        await getJson({ socketPath }, `/v1.43/containers/json?filters=${filters}`, { signal }),
      );
      if (!answer.success) throw new PkiError("PEER_UNAVAILABLE", `${socketPath} is no Docker Engine`);
      return answer.data.slice(0, MAX_SIGHTINGS).flatMap((container) => readContainer(container, organisation) ?? []);
    },
  };
}

function readContainer({ Labels, Ports, NetworkSettings }: Container, organisation: string): Sighting | undefined {
  const labels = Labels ?? {};
  const ports = new Set((Ports ?? []).filter(({ Type }) => Type === "tcp").map(({ PrivatePort }) => PrivatePort));
  const named = labels[LABELS.port];
  const port = named === undefined ? (ports.size === 1 ? [...ports][0] : undefined) : Number(named);
  const networks = Object.entries(NetworkSettings?.Networks ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const host = labels[LABELS.host] ?? networks.map(([, { IPAddress }]) => IPAddress).find(Boolean);
  const service = labels[LABELS.service];
  if (service === undefined || port === undefined || !host) return undefined;
  return toSighting({
    ...{ organisation, service, host, port },
    ...{ type: labels[LABELS.type], scheme: labels[LABELS.scheme], healthPath: labels[LABELS.health] },
  });
}
