import type { Telemetry } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import type { OcspConfig } from "./config.ts";
import type { CurrencyAccount } from "./currency.ts";
import type { Issuers } from "./issuers.ts";
import type { Lists } from "./lists.ts";
import type { Responders } from "./responders.ts";
import { toSeconds } from "./status.ts";
import type { StatusMemory } from "./status-memory.ts";

export interface HealthOptions {
  readonly memory: StatusMemory;
  readonly issuers: Issuers;
  readonly responders: Responders;
  readonly lists: Lists;
  readonly currency: CurrencyAccount;
  readonly limits: OcspConfig["alarms"];
  readonly clock: Clock;
}

/** Something that is not as it should be. */
export interface Finding {
  readonly alarm: "projection-lag" | "answer-age" | "list-age" | "responder-expiry";
  /** Whose. */
  readonly subject: string;
  readonly detail: string;
}

/** The age of the oldest answer signed ahead of each authority, and how much of its life is over. */
interface AnswerAge {
  seconds: number;
  part: number;
}

/** Looks at how well revocation is known and told. */
export class Health {
  readonly #options: HealthOptions;
  #ages = new Map<number, AnswerAge>();

  constructor(options: HealthOptions, meter: Telemetry["meter"]) {
    this.#options = options;
    this.#observe(meter);
  }

  /** Everything that is wrong now. */
  examine(): Finding[] {
    this.#ages = this.#answerAges();
    return [...this.#projection(), ...this.#answers(), ...this.#lists(), ...this.#responders()];
  }

  #projection(): Finding[] {
    const { currency, limits } = this.#options;
    if (currency.state !== "behind" && currency.silenceMs <= limits.projectionLag) return [];
    return [
      { alarm: "projection-lag", subject: "ocsp", detail: `${currency.state}, as of ${currency.asOf.toISOString()}` },
    ];
  }

  #answers(): Finding[] {
    const { issuers, limits } = this.#options;
    return [...this.#ages].flatMap(([issuer, { seconds, part }]) => {
      const subject = issuers.find(issuer)?.authorityId;
      if (part <= limits.answerAge || subject === undefined) return [];
      return { alarm: "answer-age", subject, detail: `the oldest answer is ${seconds} s old` };
    });
  }

  #lists(): Finding[] {
    const { lists, limits, clock } = this.#options;
    const now = clock.now().getTime();
    return [...lists.all()].flatMap(({ authorityId, shard, delta, thisUpdate, nextUpdate }) => {
      const part = (now - thisUpdate.getTime()) / (nextUpdate.getTime() - thisUpdate.getTime());
      if (part <= limits.listAge) return [];
      const subject = `${authorityId}/${shard}${delta ? "-delta" : ""}`;
      return { alarm: "list-age", subject, detail: `the list ends at ${nextUpdate.toISOString()}` };
    });
  }

  #responders(): Finding[] {
    const { issuers, responders, limits, clock } = this.#options;
    const soon = clock.now().getTime() + limits.responderExpiry;
    return [...issuers.all()].flatMap(({ issuer, authorityId: subject, issuesResponders, state }) => {
      if (!issuesResponders || state !== "active") return [];
      const end = responders.findFor(issuer)?.notAfter;
      if (end !== undefined && end.getTime() > soon) return [];
      const detail = end === undefined ? "there is no responder" : `the certificate ends at ${end.toISOString()}`;
      return { alarm: "responder-expiry", subject, detail };
    });
  }

  #answerAges(): Map<number, AnswerAge> {
    const { memory, clock } = this.#options;
    const { certificates } = memory;
    const now = toSeconds(clock.now().getTime());
    const oldest = new Map<number, AnswerAge>();
    for (const [, answers] of memory.allAnswers()) {
      for (let slot = 0; slot < certificates.slots; slot++) {
        if (!certificates.isInUse(slot) || certificates.notAfter(slot) < now || !answers.has(slot)) continue;
        const seconds = now - answers.thisUpdateOf(slot);
        const issuer = certificates.issuerOf(slot);
        const known = oldest.get(issuer);
        if (known !== undefined && known.seconds >= seconds) continue;
        oldest.set(issuer, {
          seconds,
          part: seconds / Math.max(1, answers.nextUpdateOf(slot) - answers.thisUpdateOf(slot)),
        });
      }
    }
    return oldest;
  }

  #observe(meter: Telemetry["meter"]): void {
    const { currency, lists, responders, issuers, memory, clock } = this.#options;
    const seconds = (ms: number) => Math.round(ms / 1_000);
    const now = () => clock.now().getTime();
    const gauge = (name: string, description: string) => meter.createObservableGauge(name, { description, unit: "s" });
    const authority = (issuer: number) => ({ authority: issuers.find(issuer)?.authorityId ?? "" });

    gauge("pki.ocsp.projection.lag", "Since the ca had told us everything").addCallback((result) => {
      if (Number.isFinite(currency.silenceMs)) result.observe(seconds(currency.silenceMs));
    });
    gauge("pki.ocsp.answers.oldest", "Age of the oldest answer signed ahead").addCallback((result) => {
      for (const [issuer, age] of this.#ages) result.observe(age.seconds, authority(issuer));
    });
    gauge("pki.ocsp.lists.age", "Age of the list in force").addCallback((result) => {
      for (const { authorityId, delta, shard, thisUpdate } of lists.all())
        result.observe(seconds(now() - thisUpdate.getTime()), { authority: authorityId, shard, delta });
    });
    gauge("pki.ocsp.responders.left", "Until the responder's certificate ends").addCallback((result) => {
      for (const { issuer, notAfter } of responders.all())
        result.observe(seconds(notAfter.getTime() - now()), authority(issuer));
    });
    meter
      .createObservableGauge("pki.ocsp.certificates", { description: "Certificates in memory" })
      .addCallback((result) => result.observe(memory.certificates.size));
  }
}
