import { findAddress } from "@vcc-pki/network";
import type { ProbeTarget } from "../probe/probe.ts";

/** A service that somebody says is there. It is authorised to nothing by that. */
export interface Sighting extends ProbeTarget {
  readonly organisation: string;
  /** As it calls itself; empty: unknown. */
  readonly service: string;
  /** Empty: unknown. */
  readonly type: string;
}

export type SourceName = "configuration" | "dns" | "kubernetes" | "docker";

/** Where services are heard of. `find` returns all that are there now; order and repetition mean nothing. It must be safe to run at any time, ends with
 *  `signal`, and throws PEER_UNAVAILABLE when whom it asks does not answer, or answers nonsense: then nothing is known, rather than that nothing is
 *  there. What is unfit in an answer is left out, one by one. */
export interface Source {
  readonly name: SourceName;
  find(signal: AbortSignal): Promise<readonly Sighting[]>;
}

/** Sightings of one source that are believed. */
export const MAX_SIGHTINGS = 10_000;

const SERVICE = /^[a-z0-9][a-z0-9-]{1,62}$/;
const ORGANISATION = /^[a-z0-9][a-z0-9-]{0,62}$/;
const PATH = /^\/[!-~]{0,255}$/;
const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})$/;

export const isServiceName = (text: string): boolean => SERVICE.test(text);

/** What others wrote, brought into shape; undefined: unfit. */
export function toSighting({
  organisation,
  service = "",
  type = "",
  host,
  port,
  scheme = "https",
  healthPath,
}: {
  readonly organisation: string;
  readonly service?: string | undefined;
  readonly type?: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly scheme?: string | undefined;
  readonly healthPath?: string | undefined;
}): Sighting | undefined {
  const isFit =
    ORGANISATION.test(organisation) &&
    (service === "" || SERVICE.test(service)) &&
    (type === "" || /^[a-z0-9][a-z0-9_-]{1,62}$/.test(type)) &&
    (HOST.test(host) || findAddress(host) !== undefined) &&
    Number.isInteger(port) &&
    port >= 1 &&
    port <= 65_535 &&
    (scheme === "https" || scheme === "http") &&
    (healthPath === undefined || PATH.test(healthPath));
  if (!isFit) return undefined;
  const health = healthPath === undefined ? undefined : ({ path: healthPath, dialect: "auto" } as const);
  return { ...{ organisation, service, type, host, port, health }, scheme: scheme as "https" | "http", name: host };
}
