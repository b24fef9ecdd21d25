import type { NtpAnswer } from "./ntp-exchange.ts";
import { NTP_MODE_SERVER, NTP_PACKET_OCTETS, NTP_VERSION, ntpDifferenceMs, toNtpTimestamp } from "./ntp-packet.ts";
import { type Failure, failure, type Leap, type SourceReport } from "./source.ts";
import type { Timeline } from "./timeline.ts";

/** MAXDIST of RFC 5905 section 7.2: a source that may be wrong by a second agrees with everyone and proves nothing. */
export const MAX_DISTANCE_MS = 1_000;
/** The counter is not perfect, either: a delay may come out negative by this. */
const DELAY_TOLERANCE_MS = 1;

const LEAPS: Readonly<Record<number, Leap>> = { 0: "none", 1: "insert", 2: "delete" };

/** Offset and error bound from one exchange: RFC 5905 section 8 for the arithmetic, section 9.2 and appendix A.5.1.1 for what is refused.
 *  `driftPpm` is how far the counter may run wrong, in millionths. */
export function measureExchange(answer: NtpAnswer, timeline: Timeline, driftPpm: number): SourceReport {
  const { packet, address, sentAtMs, receivedAtMs } = answer;
  const fault = findFault(answer);
  if (fault) return fault;
  const leap = LEAPS[packet.leapIndicator];
  if (leap === undefined || packet.stratum > 15)
    return failure("not-synchronised", `leap ${packet.leapIndicator}, stratum ${packet.stratum}`);

  // T1 to T4 of section 8. T1 and T4 are our clock's, so a clock step between them is not in them.
  const [t1, t4] = [sentAtMs, receivedAtMs].map((ms) => toNtpTimestamp(timeline.at(ms))) as [bigint, bigint];
  const { receiveTimestamp: t2, transmitTimestamp: t3 } = packet;
  const offsetMs = (ntpDifferenceMs(t2, t1) + ntpDifferenceMs(t3, t4)) / 2;
  const elapsedMs = receivedAtMs - sentAtMs;
  const delayMs = elapsedMs - ntpDifferenceMs(t3, t2);
  if (delayMs < -DELAY_TOLERANCE_MS) return failure("implausible", `took ${delayMs} ms there and back`);

  const { stratum, reference, rootDelayMs, rootDispersionMs, precisionMs } = packet;
  const networkMs = Math.max(delayMs, 0) / 2;
  const errorMs = networkMs + rootDelayMs / 2 + rootDispersionMs + precisionMs + (driftPpm / 1e6) * elapsedMs;
  if (errorMs > MAX_DISTANCE_MS) return failure("too-distant", `may be wrong by ${Math.round(errorMs)} ms`);
  return {
    status: "measured",
    ...{ offsetMs, errorMs, monotonicMs: receivedAtMs, leap, stratum, reference, address },
    ...{ delayMs, rootDelayMs, rootDispersionMs },
  };
}

function findFault({ packet, octets }: NtpAnswer): Failure | undefined {
  if (octets !== NTP_PACKET_OCTETS) return failure("malformed", `${octets} octets`);
  if (packet.mode !== NTP_MODE_SERVER) return failure("malformed", `mode ${packet.mode}`);
  if (packet.version !== NTP_VERSION) return failure("malformed", `version ${packet.version}`);
  // Section 7.4: a kiss of death has stratum 0 and tells by its reference what it wants.
  if (packet.stratum === 0) return failure("kiss-of-death", packet.reference);
  const { referenceTimestamp, receiveTimestamp, transmitTimestamp } = packet;
  if (receiveTimestamp === 0n || transmitTimestamp === 0n) return failure("malformed", "no time");
  if (ntpDifferenceMs(transmitTimestamp, receiveTimestamp) < 0) return failure("implausible", "sent before received");
  if (ntpDifferenceMs(transmitTimestamp, referenceTimestamp) < 0)
    return failure("implausible", "synchronised in the future");
  return undefined;
}
