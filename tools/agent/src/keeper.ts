import { setTimeout as sleep } from "node:timers/promises";
import { Wakeup } from "@vcc-pki/time";
import { maintain } from "./maintain.ts";
import { idleMs } from "./schedule.ts";
import type { State } from "./state.ts";
import type { MaintainContext, Wish } from "./turn.ts";
import type { Turnstile } from "./turnstile.ts";
import { watchGateway } from "./watch.ts";

/** Another process may have enrolled the identity, or somebody may have touched its files: look so often, whatever else there is to do. */
const LOOK_MS = 60_000;

/** Looks after one identity, for as long as it is let. */
export class Keeper {
  readonly #context: MaintainContext;
  readonly #turnstile: Turnstile;
  readonly #spreadMs: number;
  readonly #wakeup = new Wakeup();
  #wish: Wish = {};
  #state: State;
  /** Ends the gateway's stream, so that it is opened again as what we are now. */
  #stream = new AbortController();

  /** `spreadMs`: what the gateway wants reaches many agents at once; each waits up to so long. */
  constructor(context: MaintainContext, turnstile: Turnstile, spreadMs: number) {
    this.#context = context;
    this.#turnstile = turnstile;
    this.#spreadMs = spreadMs;
    this.#state = context.store.read();
  }

  /** Wishes add up until they are looked at. */
  want(wish: Wish): void {
    this.#wish = {
      renew: wish.renew || this.#wish.renew,
      bundle: wish.bundle || this.#wish.bundle,
      now: wish.now || this.#wish.now,
      lastEventId: wish.lastEventId ?? this.#wish.lastEventId,
    };
    this.#wakeup.wake();
  }

  /** `onOther` is told what the gateway wants of another service that this identity's agent looks after. */
  async keep(signal: AbortSignal, onOther: (service: string, wish: Wish) => void): Promise<void> {
    signal.addEventListener("abort", () => this.#wakeup.wake(), { once: true });
    const watching = this.#watch(signal, onOther);
    while (!signal.aborted) {
      const wish = this.#wish;
      this.#wish = {};
      await this.#turn(wish);
      await this.#wakeup.sleep(Math.min(LOOK_MS, Math.max(idleMs(this.#state, this.#context.clock.now()), 1_000)));
      if (this.#wish.now) await sleep(this.#context.random() * this.#spreadMs, undefined, { signal }).catch(() => {});
    }
    await watching;
  }

  async #turn(wish: Wish): Promise<void> {
    const before = this.#state.held?.serialHex;
    try {
      this.#state = await this.#turnstile.pass(() => maintain(this.#context, wish));
    } catch (error) {
      // The agent's own disk: nothing can be remembered, and the next look may find it well.
      this.#context.log.error("the agent's own state cannot be kept", { error });
      this.#state = { ...this.#state, nextAttemptAt: new Date(this.#context.clock.now().getTime() + LOOK_MS) };
    }
    if (this.#state.held?.serialHex !== before) this.#stream.abort();
  }

  async #watch(signal: AbortSignal, onOther: (service: string, wish: Wish) => void): Promise<void> {
    const { identity, store, connect, log, random } = this.#context;
    while (!signal.aborted) {
      this.#stream = new AbortController();
      await watchGateway({
        ...{ log, random },
        signal: AbortSignal.any([signal, this.#stream.signal]),
        connect: () => {
          const { held } = this.#state;
          return held && connect(store.findBundle() ?? "", store.getCertificate(held.serialHex));
        },
        lastEventId: () => this.#wish.lastEventId ?? this.#state.lastEventId,
        onWish: (wish, service) => {
          if (!service || service === identity.service) return this.want(wish);
          onOther(service, { ...wish, lastEventId: undefined });
          this.want({ lastEventId: wish.lastEventId });
        },
      });
    }
  }
}
