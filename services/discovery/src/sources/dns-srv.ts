import { Resolver } from "node:dns/promises";
import { PkiError } from "@vcc-pki/errors";
import { isServiceName, MAX_SIGHTINGS, type Sighting, type Source, toSighting } from "./source.ts";

export interface DnsSourceOptions {
  /** Names of SRV records (RFC 2782): "_covina._tcp.vcc.internal". The service is the first label, without its underscore. */
  readonly names: readonly string[];
  readonly organisation: string;
  /** "10.0.0.53", "10.0.0.53:5353", "[fd00::53]:53". None: those of the system. */
  readonly servers: readonly string[];
  readonly timeoutMs: number;
}

/** Nobody has such a record: an answer, not a failure. */
const NOTHING = new Set(["ENOTFOUND", "ENODATA"]);

/** Services by their SRV records. A name that gets no answer leaves the others as they are; it fails when none gets one. Targets are resolved when they are probed, within the guard. */
export function dnsSource({ names, organisation, servers, timeoutMs }: DnsSourceOptions): Source {
  return {
    name: "dns",
    async find(signal) {
      const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
      if (servers.length > 0) resolver.setServers(servers);
      const cancel = () => resolver.cancel();
      signal.addEventListener("abort", cancel, { once: true });
      try {
        const answers = await Promise.allSettled(names.map((name) => askFor(resolver, name, organisation)));
        const failed = answers.filter((answer) => answer.status === "rejected");
        if (failed.length === names.length) throw failed[0]?.reason;
        return answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : [])).slice(0, MAX_SIGHTINGS);
      } finally {
        signal.removeEventListener("abort", cancel);
      }
    },
  };
}

async function askFor(resolver: Resolver, name: string, organisation: string): Promise<Sighting[]> {
  const label = name.split(".", 1)[0]?.replace(/^_/, "") ?? "";
  try {
    const records = await resolver.resolveSrv(name);
    // "." says that the service is decidedly not there.
    const targets = records.filter((record) => record.name !== "" && record.name !== ".");
    return targets.flatMap((record) => {
      const host = record.name.toLowerCase().replace(/\.$/, "");
      return toSighting({ organisation, service: isServiceName(label) ? label : "", host, port: record.port }) ?? [];
    });
  } catch (cause) {
    if (NOTHING.has((cause as NodeJS.ErrnoException).code ?? "")) return [];
    throw new PkiError("PEER_UNAVAILABLE", `DNS does not answer for ${name}`, { cause });
  }
}
