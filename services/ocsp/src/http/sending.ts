import type { ServerResponse } from "node:http";

/** Response headers in the form that node:http writes without looking at them: name, value, name, value. */
export type HeaderList = readonly string[];

interface Ready {
  readonly response: ServerResponse;
  readonly status: number;
  readonly headers: HeaderList;
  /** Octets as latin1, which node:http writes in one piece with the headers. undefined: none, as for HEAD. */
  readonly body: string | undefined;
}

/** Sends the answers to all that came in one turn of the event loop together, at its end. Each write by itself wakes the machine's
 *  network anew: so it is a sixth more answers per second, and while there is one question at a time it makes no difference. */
export class Sending {
  #ready: Ready[] = [];

  send(response: ServerResponse, status: number, headers: HeaderList, body: string | undefined): void {
    if (this.#ready.push({ response, status, headers, body }) === 1) setImmediate(() => this.#sendAll());
  }

  #sendAll(): void {
    const ready = this.#ready;
    this.#ready = [];
    for (const { response, status, headers, body } of ready) {
      if (response.headersSent) continue;
      response.writeHead(status, headers as string[]);
      if (body === undefined) response.end();
      else response.end(body, "latin1");
    }
  }
}
