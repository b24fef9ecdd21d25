import { suiteId } from "@vcc-pki/rpc";

export interface NatsConfigOptions {
  readonly host: string;
  readonly port: number;
  /** Where JetStream keeps its files. */
  readonly storeDirectory: string;
  /** Holds key.pem, chain.pem and trust.pem of the server. */
  readonly identityDirectory: string;
  readonly trustDomain?: string;
}

/** What a service does on the bus. */
interface BusRights {
  /** Entities whose facts it publishes: the third token of `pki.<organisation>.<entity>.<fact>`. */
  readonly publishes: readonly string[];
  /** Whether it reads the stream, as a durable subscriber or to tail it. */
  readonly reads: boolean;
}

/** Who may do what. A service that is not named here cannot connect. */
export const RIGHTS: Readonly<Record<string, BusRights>> = {
  ca: { publishes: ["organisation", "approval", "authority", "certificate", "crl", "policy"], reads: false },
  ocsp: { publishes: ["status"], reads: true },
  tsa: { publishes: ["timestamp", "key"], reads: false },
  signing: { publishes: ["artefact", "key"], reads: false },
  discovery: { publishes: ["service", "enrolment", "inventory", "policy"], reads: true },
  lifecycle: { publishes: [], reads: true },
  gateway: { publishes: [], reads: true },
};

/** Whoever connects makes sure that the stream is there, and looks up what it published last. */
const EVERYONE = [
  "$JS.API.INFO",
  "$JS.API.STREAM.INFO.PKI",
  "$JS.API.STREAM.CREATE.PKI",
  "$JS.API.STREAM.UPDATE.PKI",
  "$JS.API.STREAM.MSG.GET.PKI",
];
const READERS = [
  "$JS.API.CONSUMER.CREATE.PKI",
  "$JS.API.CONSUMER.CREATE.PKI.>",
  "$JS.API.CONSUMER.DURABLE.CREATE.PKI.>",
  "$JS.API.CONSUMER.INFO.PKI.>",
  "$JS.API.CONSUMER.MSG.NEXT.PKI.>",
  "$JS.API.CONSUMER.DELETE.PKI.>",
  "$JS.ACK.PKI.>",
  "$JS.FC.PKI.>",
];

/** The configuration of the NATS server: JetStream in files, mutual TLS, and a user per service that is recognised by the
 *  SPIFFE id in its certificate (`verify_and_map`) and may publish its own facts and nothing else. */
export function natsConfig(options: NatsConfigOptions): string {
  const { host, port, storeDirectory, identityDirectory, trustDomain } = options;
  const users = Object.entries(RIGHTS).map(([service, rights]) => userOf(suiteId(service, trustDomain), rights));
  return `# Written by ./pki up from tools/suite/src/nats-config.ts. Changes here are lost.
server_name: "pki"
listen: ${quoted(`${host}:${port}`)}
max_payload: 1MB

jetstream {
  store_dir: ${quoted(storeDirectory)}
  max_memory_store: 64MB
  max_file_store: 8GB
}

# A client is who its certificate says: the URI name is the user. One without a certificate of ours does not get past TLS.
tls {
  cert_file: ${quoted(`${identityDirectory}/chain.pem`)}
  key_file: ${quoted(`${identityDirectory}/key.pem`)}
  ca_file: ${quoted(`${identityDirectory}/trust.pem`)}
  verify_and_map: true
  timeout: 5
}

authorization {
  users: [
${users.join("\n")}
  ]
}
`;
}

function userOf(uri: string, { publishes, reads }: BusRights): string {
  const facts = publishes.map((entity) => `pki.*.${entity}.>`);
  const publish = [...facts, ...EVERYONE, ...(reads ? READERS : [])];
  return `    {
      user: ${quoted(uri)}
      permissions: {
        publish: { allow: [${publish.map(quoted).join(", ")}] }
        subscribe: { allow: ["_INBOX.>"] }
      }
    }`;
}

/** JSON strings are strings of the NATS configuration language, too. */
const quoted = (text: string): string => JSON.stringify(text);
