import { randomBytes } from "node:crypto";
import type { RunStep } from "../context.ts";
import { writeSecretOnce } from "../files.ts";
import type { StepOf } from "../script.ts";

/** 256 bits in hex, as SQLCipher takes a raw key. */
const newKey = (): string => `${randomBytes(32).toString("hex")}\n`;

export const createDatabaseKeys: RunStep<StepOf<"create-database-keys">> = async ({ services }, { home }) => {
  for (const service of services) writeSecretOnce(home.database(service).keyFile, newKey);
  return { services };
};
