import { setTimeout as sleep } from "node:timers/promises";
import type { RevokedPeer, StatusServiceDefinition, WatchResponse } from "@vcc-pki/proto/ocsp";
import type { DeniedCertificate, Remote, WritableDenyList } from "@vcc-pki/rpc";
import type { Logger, Telemetry } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";

export interface DenyListPushOptions {
  readonly ocsp: Pick<Remote<StatusServiceDefinition>, "watch">;
  readonly denyList: WritableDenyList;
  readonly clock: Clock;
  readonly log: Logger;
  readonly telemetry: Telemetry;
}

export interface DenyListPush {
  /** Whether each revocation is heard of as it becomes known. */
  readonly hearing: boolean;
  stop(): void;
}

const metrics = {
  entries: ["pki.deny_list.entries", { description: "Certificates that are refused at every door of this process" }],
  silence: [
    "pki.deny_list.silence",
    { description: "Time since revocations were last heard of; 0 while they are", unit: "s" },
  ],
  malformed: ["pki.deny_list.malformed", { description: "Revocations that were not understood" }],
} as const;

const BACK_OFF_MS = { first: 200, most: 5_000 };
/** Silence that is no start of the suite and no stream that has come to its age. */
const OUTAGE_MS = 5_000;
/** Until the whole list has come. */
const LIST_WITHIN_MS = 30_000;

/** Feeds a deny-list from the ocsp service for as long as the process lives. While ocsp is away the list stays what it was, and what is
 *  not being heard is said by a metric and by one line of the log; a process that cannot hear serves on, for it would otherwise be enough
 *  to stop ocsp to stop everything. */
export function startDenyListPush({ ocsp, denyList, clock, log, telemetry }: DenyListPushOptions): DenyListPush {
  const stopping = new AbortController();
  const { signal } = stopping;
  const malformed = telemetry.meter.createCounter(...metrics.malformed);
  let deafSinceMs: number | undefined = clock.monotonicMs();
  let isLogged = false;
  const silenceSeconds = () => (deafSinceMs === undefined ? 0 : (clock.monotonicMs() - deafSinceMs) / 1000);
  telemetry.meter.createObservableGauge(...metrics.entries).addCallback((result) => result.observe(denyList.size));
  telemetry.meter.createObservableGauge(...metrics.silence).addCallback((result) => result.observe(silenceSeconds()));

  const onHeard = () => {
    if (isLogged) log.info("revocations are heard again", { entries: denyList.size, silenceSeconds: silenceSeconds() });
    isLogged = false;
    deafSinceMs = undefined;
  };
  const onMalformed = (count: number) => {
    malformed.add(count);
    log.warn("revocations not understood", { count });
  };

  /** One stream from its opening to its end. Answers whether it told the whole list, and how it ended. */
  async function listen(): Promise<{ readonly heard: boolean; readonly error: unknown }> {
    const over = new AbortController();
    const receive = createReceiver(denyList, onMalformed);
    const tooLate = setTimeout(() => over.abort(new Error("no list of revocations came")), LIST_WITHIN_MS);
    let heard = false;
    try {
      for await (const message of ocsp.watch({}, { signal: AbortSignal.any([signal, over.signal]) })) {
        const isComplete = receive(message);
        if (!isComplete || heard) continue;
        heard = true;
        clearTimeout(tooLate);
        onHeard();
      }
      return { heard, error: undefined };
    } catch (error) {
      return { heard, error };
    } finally {
      clearTimeout(tooLate);
      // A message that cannot be decoded ends the reading, not the call.
      over.abort();
    }
  }

  async function follow(): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const { heard, error } = await listen();
      if (signal.aborted) return;
      deafSinceMs ??= clock.monotonicMs();
      failures = heard ? 0 : failures + 1;
      if (silenceSeconds() * 1000 >= OUTAGE_MS && !isLogged) {
        isLogged = true;
        log.warn("revocations are not heard", { entries: denyList.size, error });
      }
      await sleep(pauseMs(failures), undefined, { signal }).catch(() => {});
    }
  }

  void follow();
  return {
    get hearing() {
      return deafSinceMs === undefined;
    },
    stop: () => stopping.abort(),
  };
}

/** Spread over half of it, so that the services do not all come back in the same moment. */
const pauseMs = (failures: number): number =>
  Math.min(BACK_OFF_MS.most, BACK_OFF_MS.first * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2);

/** Takes the messages of one stream in their order: first the whole list, which takes effect when its last part has come, so that one that
 *  breaks off replaces nothing; then changes. Answers whether the list is complete. Throws when a change comes before the list. */
function createReceiver(denyList: WritableDenyList, onMalformed: (count: number) => void) {
  let collected: DeniedCertificate[] | undefined;
  let isComplete = false;

  return ({ snapshot, complete, revoked, released }: WatchResponse): boolean => {
    const denied = revoked.flatMap(toDenied);
    const allowed = released.flatMap(toDenied);
    const notUnderstood = revoked.length - denied.length + released.length - allowed.length;
    if (notUnderstood > 0) onMalformed(notUnderstood);

    if (snapshot) collected ??= [];
    if (collected !== undefined) {
      collected.push(...denied);
      if (!complete) return isComplete;
      denyList.replace(collected);
      collected = undefined;
      isComplete = true;
      return true;
    }
    if (!isComplete) throw new Error("a change of the deny-list came before the list");
    // If one message says both of a certificate, it is revoked.
    for (const certificate of allowed) denyList.allow(certificate);
    if (denied.length > 0) denyList.deny(...denied);
    return true;
  };
}

const OCTETS = /^(?:[0-9a-f]{2})+$/;

/** None for an entry that names no certificate. A serial number is compared without the zero octet that DER puts before a high bit. */
function toDenied({ serialHex, issuerKeyId, notAfter }: RevokedPeer): DeniedCertificate[] {
  if (!OCTETS.test(serialHex) || !OCTETS.test(issuerKeyId)) return [];
  const isDate = notAfter !== undefined && !Number.isNaN(notAfter.getTime());
  return [{ serialHex: serialHex.replace(/^00(?=..)/, ""), issuerKeyId, ...(isDate ? { notAfter } : {}) }];
}
