import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseCertificate, parseSpiffeId, pemDecode } from "@vcc-pki/x509";
import { UsageError } from "./usage.ts";

/** Options every command takes. */
export interface GlobalOptions {
  readonly home?: string;
  readonly server?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly organisation?: string;
  readonly json?: boolean;
}

/** Which door to knock at, and as whom. */
export interface Settings {
  /** Origin of the gateway: "https://localhost:8443". */
  readonly server: string;
  /** Files: the administrator's certificate with its chain, its key, and the only roots that are trusted. */
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  readonly organisation: string;
  /** The same where it was named; undefined for what acts in the requester's own unless told otherwise. */
  readonly namedOrganisation: string | undefined;
  /** Where the tsa speaks plain HTTP; undefined for a remote suite, which does not say. */
  readonly tsaUrl: string | undefined;
  /** Where the signing service has its recall lists; undefined as above. */
  readonly recallsUrl: string | undefined;
}

const DEFAULT_HOME = new URL("../../../var", import.meta.url).pathname;
const DEFAULT_ORGANISATION = "brandenburg";
const GATEWAY_PORT = 8443;
const TSA_PORT = 8082;
const RECALLS_PORT = 8083;

/** `--server` names a remote suite and needs the three files; otherwise the suite in `--home`, PKI_HOME or var/ is meant, with
 *  the operator's certificate that its ceremony made. Throws UsageError. */
export function resolveSettings(
  options: GlobalOptions,
  env: Readonly<Record<string, string | undefined>>,
  { ownOrganisation = false }: { readonly ownOrganisation?: boolean | undefined } = {},
): Settings {
  const settings = findSuite(options, env);
  const own = ownOrganisation ? organisationIn(settings.certFile) : undefined;
  const { organisation: named } = options;
  return { ...settings, organisation: named ?? own ?? DEFAULT_ORGANISATION, namedOrganisation: named };
}

function findSuite(
  options: GlobalOptions,
  env: Readonly<Record<string, string | undefined>>,
): Omit<Settings, "organisation" | "namedOrganisation"> {
  if (options.server !== undefined)
    return { ...remote(options, options.server), tsaUrl: undefined, recallsUrl: undefined };
  const home = resolve(options.home ?? env.PKI_HOME ?? DEFAULT_HOME);
  const offset = env.PKI_PORT_OFFSET ? parseOffset(env.PKI_PORT_OFFSET) : (runningOffset(home) ?? 0);
  return {
    server: `https://localhost:${GATEWAY_PORT + offset}`,
    certFile: options.cert ?? join(home, "operator/admin.pem"),
    keyFile: options.key ?? join(home, "operator/admin-key.pem"),
    caFile: options.ca ?? join(home, "trust/root.pem"),
    tsaUrl: `http://127.0.0.1:${TSA_PORT + offset}/tsa`,
    recallsUrl: `http://127.0.0.1:${RECALLS_PORT + offset}`,
  };
}

function remote({ home, cert, key, ca }: GlobalOptions, server: string) {
  if (home !== undefined) throw new UsageError("--home picks a local suite, --server a remote one: give one of them");
  if (cert === undefined || key === undefined || ca === undefined) {
    throw new UsageError("--server needs --cert, --key and --ca");
  }
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol !== "https:" || url.pathname !== "/" || url.search !== "") {
    throw new UsageError(`--server takes an origin such as https://pki.example:8443, not ${server}`);
  }
  return { server: url.origin, certFile: cert, keyFile: key, caFile: ca };
}

/** Whose certificate that is; undefined when there is none to read. */
function organisationIn(certFile: string): string | undefined {
  try {
    const [der] = pemDecode(readFileSync(certFile, "utf8"), "CERTIFICATE");
    const [uri = ""] = der === undefined ? [] : parseCertificate(der).subjectAltNames.uri;
    const id = parseSpiffeId(uri, new URL(uri).host);
    return id.kind === "suite" ? undefined : id.organisation;
  } catch {
    return undefined;
  }
}

/** As the suite reads it: every port is moved up by so many. */
function parseOffset(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new UsageError(`PKI_PORT_OFFSET is not a whole number: ${text}`);
  return Number(text);
}

/** What the suite in `home` wrote down about itself when it was started; undefined when it does not run. */
function runningOffset(home: string): number | undefined {
  try {
    const { portOffset } = JSON.parse(readFileSync(join(home, "run/suite.json"), "utf8"));
    return Number.isSafeInteger(portOffset) ? portOffset : undefined;
  } catch {
    return undefined;
  }
}
