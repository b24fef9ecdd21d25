import { isIP } from "node:net";
import { PkiError } from "@vcc-pki/errors";
import { parseDuration } from "@vcc-pki/time";
import { z } from "zod";
import { runCommand } from "./command.ts";
import { knockHttp } from "./http.ts";
import { sendSignal } from "./signal.ts";

export const Duration = z
  .string()
  .regex(/^(\d+(ms|[smhdy]))+$/, "a duration such as 30s or 24h")
  .transform(parseDuration);

const Timeout = Duration.refine((ms) => ms > 0 && ms <= 600_000, "at most 10m");

/** How a service is told that its files have changed: one of three ways. */
export const ReloadConfig = z.union([
  z.strictObject({
    /** A signal to a process. */
    signal: z
      .strictObject({
        name: z.enum(["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTERM"]).default("SIGHUP"),
        pid: z.int().min(2).optional(),
        /** A file with the number of the process in its first line. */
        pidFile: z.string().min(1).optional(),
      })
      .refine(({ pid, pidFile }) => (pid === undefined) !== (pidFile === undefined), "either `pid` or `pidFile`"),
  }),
  z.strictObject({
    /** A program and its words; no shell reads them. It has a PATH and nothing else of the agent's environment. */
    command: z.array(z.string()).min(1),
    timeout: Timeout.prefault("30s"),
  }),
  z.strictObject({
    /** A request to the service, on this machine or to a host named in `reloadHosts`. Any 2xx is a yes; redirects are not followed. */
    http: z.strictObject({
      url: z.url({ protocol: /^https?$/ }),
      method: z.enum(["POST", "PUT", "GET"]).default("POST"),
    }),
    timeout: Timeout.prefault("30s"),
  }),
]);
export type ReloadConfig = z.output<typeof ReloadConfig>;

/** Tells a service to read its files again. Rejects with RELOAD_FAILED. */
export type Reload = () => Promise<void>;

/** Throws CONFIG_INVALID for a hook that may not be used. `allowedHosts` are those besides this machine that HTTP hooks may go to. */
export function createReload(config: ReloadConfig, allowedHosts: readonly string[]): Reload {
  if ("signal" in config) {
    if (process.platform === "win32") {
      throw new PkiError("CONFIG_INVALID", "on Windows a signal would end the service: use `command` or `http`");
    }
    const { signal } = config;
    return async () => sendSignal(signal);
  }
  if ("command" in config) return () => runCommand(config.command, config.timeout);
  const { http, timeout } = config;
  const url = new URL(http.url);
  if (!isOwnMachine(url.hostname) && !allowedHosts.includes(url.hostname)) {
    throw new PkiError("CONFIG_INVALID", `${url.hostname} is another machine, and not named in reloadHosts`);
  }
  return () => knockHttp(url, http.method, timeout);
}

function isOwnMachine(hostname: string): boolean {
  if (hostname === "localhost" || hostname === "[::1]") return true;
  return isIP(hostname) === 4 && hostname.startsWith("127.");
}
