/** Items in one message at most: it bounds how long the server holds its event loop. */
const MAX_ITEMS = 64;

/** The requests of one stream: what is pushed within one turn of the event loop goes out together. */
export class OutgoingItems<Item> implements AsyncIterable<{ items: Item[] }> {
  #items: Item[] = [];
  #isEnded = false;
  #isScheduled = false;
  #wake: (() => void) | undefined;

  push(item: Item): void {
    this.#items.push(item);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#wake?.();
    });
  }

  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<{ items: Item[] }> {
    for (;;) {
      while (this.#items.length > 0) yield { items: this.#items.splice(0, MAX_ITEMS) };
      if (this.#isEnded) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}
