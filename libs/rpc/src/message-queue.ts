interface Flow {
  /** The reader is behind: stop pushing if you can. */
  pause(): void;
  /** The reader has caught up. */
  resume(): void;
}

const FULL = 16;

/** Messages pushed on one side, iterated on the other, by one reader. Keeps order; after `fail` what was pushed before is still
 *  read, then the error is thrown. Holds no promise per message unless the reader waits. */
export class MessageQueue<T> implements AsyncIterableIterator<T> {
  #messages: T[] = [];
  #waiting: PromiseWithResolvers<IteratorResult<T>> | undefined;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  #paused = false;
  #flow: Flow | undefined;
  #onReturn: (() => void) | undefined;

  /** Where back-pressure goes, and who wants to know that the reader has left. */
  attach(flow: Flow, onReturn?: () => void): void {
    this.#flow = flow;
    this.#onReturn = onReturn;
  }

  push(message: T): void {
    if (this.#ended) return;
    if (this.#waiting) {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting.resolve({ done: false, value: message });
      return;
    }
    this.#messages.push(message);
    if (!this.#paused && this.#messages.length >= FULL) {
      this.#paused = true;
      this.#flow?.pause();
    }
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = undefined;
  }

  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#waiting) this.#waiting.reject(error);
    else this.#failure = { error };
    this.#waiting = undefined;
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#messages.length > 0) return Promise.resolve({ done: false, value: this.#take() });
    if (this.#failure) {
      const { error } = this.#failure;
      this.#failure = undefined;
      return Promise.reject(error);
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    if (this.#waiting) throw new Error("a message queue has one reader");
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  return(): Promise<IteratorResult<T>> {
    this.#messages = [];
    this.#failure = undefined;
    this.end();
    this.#resume();
    this.#onReturn?.();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): T {
    const message = this.#messages.shift() as T;
    if (this.#messages.length === 0) this.#resume();
    return message;
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#flow?.resume();
  }
}
