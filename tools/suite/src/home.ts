import { chmodSync, existsSync, mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

/** Where the source tree lies; services and their configuration are found from here, whatever the working directory is. */
export const repositoryRoot: string = resolve(import.meta.dirname, "../../..");

/** Every path of one suite's state. Two suites with two homes share nothing. */
export interface Home {
  readonly directory: string;
  /** Configuration of a service: `config/<service>.yaml` of the home when there is one, else that of the source tree. */
  readonly configFile: (service: string) => string;
  readonly identity: (service: string) => string;
  readonly database: (service: string) => { readonly file: string; readonly keyFile: string };
  readonly token: {
    readonly directory: string;
    readonly conf: string;
    readonly objects: string;
    readonly pinFile: string;
    readonly soPinFile: string;
  };
  readonly trust: { readonly root: string; readonly bundle: string; readonly crl: (authority: string) => string };
  readonly operator: { readonly chain: string; readonly key: string };
  readonly custodians: string;
  readonly ceremony: { readonly directory: string; readonly transcript: string; readonly approvals: string };
  readonly nats: { readonly directory: string; readonly conf: string };
  readonly firstCertificate: { readonly directory: string; readonly chain: string; readonly key: string };
  readonly log: (process: string) => string;
  readonly run: {
    readonly directory: string;
    readonly lock: string;
    readonly state: string;
    readonly pid: (process: string) => string;
  };
}

/** The layout below `directory` (PKI_HOME). Creates nothing. */
export function homeAt(directory: string): Home {
  const root = resolve(directory);
  const at = (...parts: string[]): string => join(root, ...parts);
  return {
    directory: root,
    configFile(service) {
      const own = at("config", `${service}.yaml`);
      return existsSync(own) ? own : join(repositoryRoot, "deploy/config", `${service}.yaml`);
    },
    identity: (service) => at("identity", service),
    database: (service) => ({ file: at(service, `${service}.db`), keyFile: at(service, "db.key") }),
    token: {
      directory: at("token"),
      conf: at("token/softhsm2.conf"),
      objects: at("token/objects"),
      pinFile: at("token/pin"),
      soPinFile: at("token/so-pin"),
    },
    trust: {
      root: at("trust/root.pem"),
      bundle: at("trust/bundle.pem"),
      crl: (authority) => at("trust", `${authority}.crl`),
    },
    operator: { chain: at("operator/admin.pem"), key: at("operator/admin-key.pem") },
    custodians: at("custodians"),
    ceremony: {
      directory: at("ceremony"),
      transcript: at("ceremony/transcript.jsonl"),
      approvals: at("ceremony/approvals"),
    },
    nats: { directory: at("nats"), conf: at("nats/nats.conf") },
    firstCertificate: {
      directory: at("first-certificate"),
      chain: at("first-certificate/argus.pem"),
      key: at("first-certificate/argus-key.pem"),
    },
    log: (process) => at("log", `${process}.log`),
    run: {
      directory: at("run"),
      lock: at("run/suite.lock"),
      state: at("run/suite.json"),
      pid: (process) => at("run", `${process}.pid`),
    },
  };
}

/** PKI_HOME, else `var/` of the source tree. */
export const defaultHomeDirectory = (): string => process.env.PKI_HOME || join(repositoryRoot, "var");

/** Creates a directory that only its owner may enter; closes one that is open to others. */
export function ensurePrivateDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if ((statSync(directory).mode & 0o077) !== 0) chmodSync(directory, 0o700);
}
