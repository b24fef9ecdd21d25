import { probeNats } from "./probe.ts";
import type { ProcessSpec } from "./process.ts";

/** Debian installs daemons where a user's PATH does not look. */
const PATH_WITH_DAEMONS = (): string => `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin`;

export interface NatsProcessOptions {
  /** Its configuration file. */
  readonly conf: string;
  readonly host: string;
  readonly port: number;
}

export const natsSpec = ({ conf, host, port }: NatsProcessOptions): ProcessSpec => ({
  name: "nats",
  command: ["nats-server", "--config", conf],
  environment: { PATH: PATH_WITH_DAEMONS() },
  after: [],
  ports: [{ name: "clients", host, port }],
  probe: () => probeNats(host, port),
});
