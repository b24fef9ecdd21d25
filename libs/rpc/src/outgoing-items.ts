import type { SignStreamRequest, SignStreamRequest_Item } from "@vcc-pki/proto/hsm";

/** Signatures asked for in one message at most: it bounds how long the gateway holds its event loop. */
const MAX_ITEMS = 64;

/** The requests of one stream: what is pushed within one turn of the event loop goes out together. */
export class Outgoing implements AsyncIterable<SignStreamRequest> {
  #items: SignStreamRequest_Item[] = [];
  #isEnded = false;
  #isScheduled = false;
  #wake: (() => void) | undefined;

  push(item: SignStreamRequest_Item): void {
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

  async *[Symbol.asyncIterator](): AsyncGenerator<SignStreamRequest> {
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
