import { parseArgs } from "node:util";
import { PkiError } from "@vcc-pki/errors";
import { createLogger } from "@vcc-pki/telemetry";
import { systemClock } from "@vcc-pki/time";
import type { z } from "zod";
import { type BaseConfig, loadConfig } from "./config.ts";
import type { ServiceDefinition } from "./define.ts";
import { collectWhenIdle } from "./garbage.ts";
import { startService } from "./start.ts";

const GRACE_MS = 10_000;
const EXIT = { failed: 1, usage: 2 } as const;

/** The whole of a service's main: reads the command line and the configuration, starts the service, and stops it on SIGTERM or SIGINT.
 *  The only place that touches argv, the environment and the exit code. */
export async function runService<S extends z.ZodType<BaseConfig>>(definition: ServiceDefinition<S>): Promise<void> {
  const options = readCommandLine(definition.name);
  let config: z.output<S>;
  try {
    config = loadConfig(options.config, definition.config, process.env);
    definition.check?.(config);
  } catch (error) {
    return fail(error);
  }
  if (options.check) {
    console.log(`${options.config} is valid`);
    return;
  }

  const log = createLogger({ service: definition.name, level: config.telemetry.logLevel });
  const die = (message: string) => (error: unknown) => {
    log.error(message, { error });
    process.exit(EXIT.failed);
  };
  process.on("uncaughtException", die("uncaught exception"));
  process.on("unhandledRejection", die("unhandled rejection"));

  const started = await startService(definition, config, { clock: systemClock, log }).catch(
    die("service did not start"),
  );
  collectWhenIdle();
  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, async () => {
      if (stopping) return;
      stopping = true;
      log.info("service stops", { signal });
      await started.close(GRACE_MS).catch(die("service did not stop cleanly"));
      log.info("service stopped");
      process.exit(0);
    });
  }
}

function readCommandLine(service: string): { readonly config: string; readonly check: boolean } {
  const usage = `usage: ${service} --config FILE [--check]

  --config FILE  the configuration (YAML); every key is described in the service's src/config.ts
  --check        say whether the configuration is valid, and start nothing
  --help         this`;
  try {
    const { values } = parseArgs({
      options: { config: { type: "string" }, check: { type: "boolean" }, help: { type: "boolean" } },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    if (values.config === undefined) throw new Error("--config is missing");
    return { config: values.config, check: values.check ?? false };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    process.exit(EXIT.usage);
  }
}

function fail(error: unknown): never {
  if (!(error instanceof PkiError)) throw error;
  console.error(error.message);
  process.exit(EXIT.usage);
}
