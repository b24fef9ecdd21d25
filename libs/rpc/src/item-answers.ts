import { toPkiError } from "@vcc-pki/errors";
import type { Logger } from "@vcc-pki/telemetry";
import type { ItemAnswer, StreamItem } from "./item-channel.ts";

/** Items answered to come before more are read: bounds what a stream may hold in memory. */
const MAX_IN_FLIGHT = 1_024;

type Put<Response> = ItemAnswer<Response> & { outcome: NonNullable<ItemAnswer<Response>["outcome"]> };

/** The other side of an `ItemChannel`: answers the items of a stream in the order in which they are done; what is done together goes out in one
 *  message. Ends when the requests have ended and all are answered. */
export async function* answerItems<Item extends StreamItem, Response>(
  requests: AsyncIterable<{ items: Item[] }>,
  answer: (item: Item) => Promise<Response>,
  log: Logger,
): AsyncGenerator<{ items: Put<Response>[] }> {
  const answers = new Answers<Response>();
  const reading = read(requests, answer, answers, log);
  reading.catch(() => {}); // awaited below; until then a failure waits for what is in flight
  for (let items = await answers.take(); items; items = await answers.take()) yield { items };
  await reading;
}

async function read<Item extends StreamItem, Response>(
  requests: AsyncIterable<{ items: Item[] }>,
  answer: (item: Item) => Promise<Response>,
  answers: Answers<Response>,
  log: Logger,
): Promise<void> {
  try {
    for await (const { items } of requests) {
      for (const item of items) {
        const { id } = item;
        answers.expect();
        try {
          answer(item).then(
            (value) => answers.put({ id, outcome: { $case: "response", value } }),
            (error) => answers.put(toFailure(id, error, log)),
          );
        } catch (error) {
          answers.put(toFailure(id, error, log));
        }
      }
      await answers.room();
    }
  } finally {
    answers.end();
  }
}

function toFailure(id: number, error: unknown, log: Logger): Put<never> {
  const { code, message, details } = toPkiError(error);
  if (code === "INTERNAL") log.error("item failed", { error });
  return { id, outcome: { $case: "failure", value: { code, message, details: { ...details } } } };
}

/** Answers on their way out. */
class Answers<Response> {
  #ready: Put<Response>[] = [];
  #inFlight = 0;
  #isEnded = false;
  #isScheduled = false;
  #taker: (() => void) | undefined;
  #reader: (() => void) | undefined;

  /** One more answer is to come. */
  expect(): void {
    this.#inFlight++;
  }

  put(item: Put<Response>): void {
    this.#ready.push(item);
    this.#inFlight--;
    if (this.#inFlight < MAX_IN_FLIGHT) this.#reader?.();
    this.#wakeSoon();
  }

  /** No more are to be expected. */
  end(): void {
    this.#isEnded = true;
    this.#wakeSoon();
  }

  /** Resolves when more may be read. */
  async room(): Promise<void> {
    if (this.#inFlight < MAX_IN_FLIGHT) return;
    await new Promise<void>((resolve) => {
      this.#reader = resolve;
    });
    this.#reader = undefined;
  }

  /** All that is ready, as soon as anything is; undefined after the end. */
  async take(): Promise<Put<Response>[] | undefined> {
    while (this.#ready.length === 0) {
      if (this.#isEnded && this.#inFlight === 0) return undefined;
      await new Promise<void>((resolve) => {
        this.#taker = resolve;
      });
    }
    const items = this.#ready;
    this.#ready = [];
    return items;
  }

  /** After the microtasks that are due: a commit settles many promises at once, and their answers belong in one message. */
  #wakeSoon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(() => {
      this.#isScheduled = false;
      const taker = this.#taker;
      this.#taker = undefined;
      taker?.();
    });
  }
}
