import { Duration } from "@vcc-pki/service";
import { z } from "zod";

const port = z.int().min(1).max(65_535);

/** What is looked at, and where. */
export const ProbeConfig = z.strictObject({
  /** Networks that may be connected to, in CIDR notation, by organisation. None: nothing is probed. Loopback and link-local have to be named as such;
   *  metadata services and multicast stay closed. */
  networks: z.record(z.string(), z.array(z.string())).default({}),
  /** DNS servers that names of targets are asked of, "10.0.0.53" or with port. None: those of the system, and its file of hosts. */
  resolvers: z.array(z.string()).default([]),
  /** How often services and what sources tell are looked at. */
  interval: Duration.prefault("5m"),
  /** For names, connection, handshake and health call each. */
  timeout: Duration.prefault("3s"),
  /** Whether this service shows its certificate to servers that ask for one. */
  presentIdentity: z.boolean().default(true),
  /** Looks in a row that reach nobody before a service is said to be unreachable. */
  unreachableAfter: z.int().positive().default(3),
  /** Endpoints looked at at once. */
  atOnce: z.int().positive().max(1_000).default(32),
  /** Absent: there are no sweeps. */
  sweeps: z
    .strictObject({
      /** Ports that may be asked for. */
      ports: z.array(port).min(1).max(100),
      /** Addresses times ports. */
      maxTargets: z.int().positive().max(16_777_216).default(65_536),
      /** Connections at once. */
      atOnce: z.int().positive().max(1_000).default(64),
      /** Connections begun in a second. */
      perSecond: z.int().positive().default(500),
    })
    .optional(),
});

export type ProbeConfig = z.output<typeof ProbeConfig>;

const organisation = z.string();

/** Where services are heard of. Each is absent unless it is wanted. What a source tells is for the organisation that is named. */
export const SourcesConfig = z.strictObject({
  /** The services of `catalogueFile`, at their first names. */
  configuration: z.strictObject({ organisation }).optional(),
  /** SRV records: "_covina._tcp.vcc.internal". `servers`: "10.0.0.53" or with port; none: the system's. */
  dns: z
    .strictObject({
      names: z.array(z.string()).min(1).max(1_000),
      organisation,
      servers: z.array(z.string()).default([]),
    })
    .optional(),
  /** Services with the label vcc.internal/service. */
  kubernetes: z
    .strictObject({
      url: z.url({ protocol: /^https$/ }).default("https://kubernetes.default.svc"),
      tokenFile: z.string().default("/var/run/secrets/kubernetes.io/serviceaccount/token"),
      caFile: z.string().default("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"),
      clusterDomain: z.string().default("cluster.local"),
      organisation,
    })
    .optional(),
  /** Containers with the label vcc.service. */
  docker: z.strictObject({ socketPath: z.string(), organisation }).optional(),
});

export type SourcesConfig = z.output<typeof SourcesConfig>;
