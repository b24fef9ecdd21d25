import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { loadConfig } from "@vcc-pki/service";
import { type Home, serviceNames } from "@vcc-pki/suite-tool";
import { z } from "zod";
import type { RunStep } from "../context.ts";
import { writeSecretOnce } from "../files.ts";
import type { StepOf } from "../script.ts";

/** 256 bits in hex, as SQLCipher takes a raw key. */
const newKey = (): string => `${randomBytes(32).toString("hex")}\n`;

export const createDatabaseKeys: RunStep<StepOf<"create-database-keys">> = async ({ services }, { home }) => {
  for (const service of services) writeSecretOnce(home.database(service).keyFile, newKey);
  return { services };
};

const WithStore = z.looseObject({ store: z.object({ file: z.string(), keyFile: z.string() }).optional() });

/** For services that came after the home's ceremony. A database without its key is not one of them: a new key would only hide the loss.
 *  Answers the services that got one. */
export function createMissingDatabaseKeys(home: Home): string[] {
  const env = { ...process.env, PKI_HOME: home.directory };
  return serviceNames.filter((service) => {
    const { store } = loadConfig(home.configFile(service), WithStore, env);
    if (store === undefined || existsSync(store.file)) return false;
    return writeSecretOnce(store.keyFile, newKey);
  });
}
