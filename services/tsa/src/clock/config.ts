import { Duration } from "@vcc-pki/service";
import { z } from "zod";

const duration = (usual: string) => Duration.prefault(usual);

/** "host", "host:port" or "[IPv6 address]:port"; NTP's own port is 123. */
const NtpServerName = z.string().transform((text, context) => {
  const [, bracketed, plain, port = "123"] = /^(?:\[([\da-f:]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return { host, port: Number(port) };
  context.addIssue({ code: "custom", message: "expected host, host:port or [address]:port" });
  return z.NEVER;
});

/** How the service knows that its clock is right. */
export const ClockConfig = z.strictObject({
  /** NTP servers with one vote each: four or more, run by different people on different paths, all of which make leap seconds and do not
   *  smear them. With three, nothing may fail. */
  servers: z.array(NtpServerName).default([]),
  /** This machine's time daemon, heard as a witness; it votes only if there are no servers. */
  daemon: z.enum(["chrony", "ntpd"]).optional(),
  /** Takes the clock as it is, for development. Excludes the other two; what is stamped with it must be marked as a test. */
  unproven: z.boolean().default(false),
  /** So many sources must have answered, of which a majority of all agrees. */
  minimumSources: z.int().positive().default(3),
  /** What is promised: genTime is at most this far from UTC, or there is none. */
  accuracy: duration("1s"),
  /** How long evidence holds. */
  evidencePeriod: duration("5m"),
  /** How often the sources are asked; public servers want no less than 64 s. */
  interval: duration("64s"),
  /** The same while there is nothing to show. */
  retryInterval: duration("8s"),
  /** Up to this part of the interval is taken off at random. */
  jitter: z.number().min(0).max(0.5).default(0.1),
  /** How long a source may take to answer. */
  timeout: duration("2s"),
  /** How far this machine's counter may run wrong, in millionths: evidence gets worse by that as it ages. */
  driftPpm: z.number().positive().max(1_000).default(50),
  /** By how much wall clock and counter may part before that is a step. Less than that counts towards the accuracy. */
  stepTolerance: duration("20ms"),
});

export type ClockConfig = z.output<typeof ClockConfig>;
