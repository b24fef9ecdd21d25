import { readFileSync } from "node:fs";
import { PkiError } from "@vcc-pki/errors";
import { z } from "zod";
import { getJson } from "./json-get.ts";
import { MAX_SIGHTINGS, type Sighting, type Source, toSighting } from "./source.ts";

export interface KubernetesSourceOptions {
  /** "https://kubernetes.default.svc" */
  readonly url: string;
  /** A service account with `list` on services. Read each time: it is rotated. */
  readonly tokenFile: string;
  readonly caFile: string;
  readonly organisation: string;
  /** "cluster.local" */
  readonly clusterDomain: string;
}

/** The label that makes a Service one of ours, and annotations beside it. */
const SERVICE = "vcc.internal/service";
const TYPE = "vcc.internal/type";
const SCHEME = "vcc.internal/scheme";
const HEALTH = "vcc.internal/health-path";

const PAGE = 500;
const MAX_PAGES = 100;

/** What we read of a ServiceList (Kubernetes API v1). */
const ServiceList = z.object({
  kind: z.literal("ServiceList"),
  metadata: z.object({ continue: z.string().nullish() }),
  items: z.array(
    z.object({
      metadata: z.object({
        name: z.string(),
        namespace: z.string(),
        labels: z.record(z.string(), z.string()).nullish(),
        annotations: z.record(z.string(), z.string()).nullish(),
      }),
      spec: z.object({
        ports: z.array(z.object({ port: z.number(), protocol: z.string().nullish() })).nullish(),
      }),
    }),
  ),
});

type KubernetesService = z.output<typeof ServiceList>["items"][number];

/** Services with the label `vcc.internal/service`, in all namespaces, by their names in the cluster. */
export function kubernetesSource({
  url,
  tokenFile,
  caFile,
  organisation,
  clusterDomain,
}: KubernetesSourceOptions): Source {
  return {
    name: "kubernetes",
    async find(signal) {
      const address = { url: new URL(url), trustPem: readCredential(caFile) };
      const token = readCredential(tokenFile).trim();
      const sightings: Sighting[] = [];
      let next = "";
      for (let page = 0; page < MAX_PAGES && sightings.length < MAX_SIGHTINGS; page++) {
        const query = new URLSearchParams({
          labelSelector: SERVICE,
          limit: String(PAGE),
          ...(next && { continue: next }),
        });
        const answer = ServiceList.safeParse(await getJson(address, `/api/v1/services?${query}`, { signal, token }));
        if (!answer.success) throw new PkiError("PEER_UNAVAILABLE", `${address.url.host} is no Kubernetes API`);
        sightings.push(...answer.data.items.flatMap((item) => readService(item, organisation, clusterDomain)));
        next = answer.data.metadata.continue ?? "";
        if (next === "") break;
      }
      return sightings.slice(0, MAX_SIGHTINGS);
    },
  };
}

function readService({ metadata, spec }: KubernetesService, organisation: string, clusterDomain: string): Sighting[] {
  const { name, namespace, labels, annotations } = metadata;
  const ports = (spec.ports ?? []).filter(({ protocol }) => (protocol ?? "TCP") === "TCP");
  return ports.flatMap(
    ({ port }) =>
      toSighting({
        ...{ organisation, service: labels?.[SERVICE], host: `${name}.${namespace}.svc.${clusterDomain}`, port },
        ...{ type: annotations?.[TYPE], scheme: annotations?.[SCHEME], healthPath: annotations?.[HEALTH] },
      }) ?? [],
  );
}

function readCredential(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new PkiError("PEER_UNAVAILABLE", `cannot read ${file}`, { cause });
  }
}
