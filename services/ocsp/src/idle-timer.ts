import { PkiError } from "@vcc-pki/errors";

/** Aborts when nothing has happened for a while, or when `outer` does. */
export class IdleTimer {
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;

  constructor(patienceMs: number, outer: AbortSignal) {
    const controller = new AbortController();
    this.signal = AbortSignal.any([outer, controller.signal]);
    this.#timer = setTimeout(
      () => controller.abort(new PkiError("DEADLINE_EXCEEDED", "the ca has stopped talking")),
      patienceMs,
    ).unref();
  }

  restart(): void {
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
