import type { Handle } from "./pkcs11.ts";

/** Sessions for work that runs on other threads. A PKCS#11 session holds one active operation, so each is lent to one user at a
 *  time, in order of asking. */
export class SessionPool {
  readonly #free: Handle[];
  readonly #waiting: ((session: Handle) => void)[] = [];
  readonly #idle: (() => void)[] = [];
  readonly #size: number;

  constructor(sessions: readonly Handle[]) {
    this.#free = [...sessions];
    this.#size = sessions.length;
  }

  async use<T>(work: (session: Handle) => Promise<T>): Promise<T> {
    const session = this.#free.pop() ?? (await new Promise<Handle>((resolve) => this.#waiting.push(resolve)));
    try {
      return await work(session);
    } finally {
      this.#giveBack(session);
    }
  }

  /** Resolves when no session is lent: only then may the module be finalised under them. */
  idle(): Promise<void> {
    if (this.#free.length === this.#size) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #giveBack(session: Handle): void {
    const next = this.#waiting.shift();
    if (next) {
      next(session);
      return;
    }
    this.#free.push(session);
    if (this.#free.length === this.#size) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
