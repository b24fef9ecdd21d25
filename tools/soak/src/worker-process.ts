import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { LifeReport } from "./workers.ts";

/** A moment by a clock that never goes back and that every process of this machine shares (CLOCK_MONOTONIC), in milliseconds. */
export const sharedMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

/** How long a worker that has failed waits for the conductor to have heard why. */
const LAST_WORDS_MS = 500;

/** The life of a worker, from within its process. */
export class WorkerProcess<Options, Report, Order extends { readonly type: string }> {
  readonly options: Options = JSON.parse(process.argv[2] ?? "");
  #isFinishing = false;

  /** Whether nothing is to be begun any more. */
  get isFinishing(): boolean {
    return this.#isFinishing;
  }

  /** Tells the conductor. */
  tell(report: Report): void {
    process.send?.(report);
  }

  /** Runs `work` and ends the process with it; without the conductor it ends at once. */
  async run(work: () => Promise<void>, ordered: (order: Order) => void = () => {}): Promise<void> {
    process.on("message", (order: Order) => {
      if (order.type === "finish") this.#isFinishing = true;
      else ordered(order);
    });
    process.on("disconnect", () => process.exit(1));
    try {
      await work();
    } catch (error) {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#tellLife({ type: "failed", message });
      setTimeout(() => process.exit(1), LAST_WORDS_MS);
      return;
    }
    this.#tellLife({ type: "finished" });
    process.removeAllListeners("disconnect");
    process.disconnect?.();
    process.exit(0);
  }

  /** Again and again until it finishes, with a pause of up to twice this long. */
  async repeat(everyMs: number, work: () => Promise<unknown>): Promise<void> {
    while (!this.#isFinishing) {
      await work();
      await sleep(randomInt(2 * everyMs));
    }
  }

  #tellLife(report: LifeReport): void {
    process.send?.({ ...report, atMs: sharedMs() });
  }
}
