import type { Clock } from "@vcc-pki/time";
import type { ClockConfig } from "./config.ts";
import { DaemonSource } from "./daemon-source.ts";
import { NtpSource } from "./ntp-source.ts";
import type { ClockSource } from "./source.ts";
import { unprovenSource } from "./unproven-source.ts";

/** The sources that a configuration names. */
export function createSources(
  config: ClockConfig,
  { clock, random }: { readonly clock: Clock; readonly random: (octets: number) => Uint8Array },
): ClockSource[] {
  const { interval: intervalMs, timeout: timeoutMs, driftPpm } = config;
  return [
    ...config.servers.map((server) => new NtpSource(server, { clock, random, timeoutMs, intervalMs, driftPpm })),
    ...(config.daemon ? [new DaemonSource(config.daemon, { clock, timeoutMs })] : []),
    ...(config.unproven ? [unprovenSource(clock)] : []),
  ];
}
