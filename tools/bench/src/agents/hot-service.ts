import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** An HTTPS service that has no certificate until it is told to read `cert.pem` and `key.pem` in `directory`. */
export interface HotService {
  /** "host:port" where it serves. */
  readonly address: string;
  /** A POST there has it read its files again. */
  readonly reloadUrl: string;
  close(): void;
}

export async function startHotService(directory: string): Promise<HotService> {
  const service = createHttps((_request, response) => response.end("ok")).listen(0, "127.0.0.1");
  const control = createHttp((_request, response) => {
    const read = (name: string) => readFileSync(join(directory, name));
    service.setSecureContext({ cert: read("cert.pem"), key: read("key.pem") });
    response.writeHead(204).end();
  }).listen(0, "127.0.0.1");
  await Promise.all([once(service, "listening"), once(control, "listening")]);
  const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
  return {
    address: `127.0.0.1:${portOf(service)}`,
    reloadUrl: `http://127.0.0.1:${portOf(control)}/`,
    close() {
      service.close();
      control.close();
    },
  };
}
