import { createServer } from "node:net";
import { PkiError } from "@vcc-pki/errors";
import type { ProcessSpec } from "./process.ts";

/** PKI_PORT_OFFSET as a number. Throws CONFIG_INVALID unless it is a whole number that keeps every port in range. */
export function portOffset(text: string | undefined = process.env.PKI_PORT_OFFSET): number {
  if (text === undefined || text === "") return 0;
  const offset = Number(text);
  if (!/^\d+$/.test(text) || offset > 50_000) {
    throw new PkiError("CONFIG_INVALID", `PKI_PORT_OFFSET is not a whole number from 0 to 50000: "${text}"`);
  }
  return offset;
}

/** Throws CONFIG_INVALID naming every port that something else listens on already. */
export async function requireFreePorts(specs: readonly ProcessSpec[]): Promise<void> {
  const ports = specs.flatMap((spec) => spec.ports.map((port) => ({ ...port, process: spec.name })));
  const taken = await Promise.all(
    ports.map(async ({ process, name, host, port }) =>
      (await isFree(host, port)) ? [] : [`${port} (${process} ${name})`],
    ),
  );
  const list = taken.flat().join(", ");
  if (list === "") return;
  throw new PkiError(
    "CONFIG_INVALID",
    `in use by another program: ${list}. For a second suite: PKI_PORT_OFFSET=1000 ./pki up --home DIR`,
  );
}

/** Whether nobody listens there. */
export const isFree = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
