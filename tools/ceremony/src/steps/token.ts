import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { PkiError } from "@vcc-pki/errors";
import { initialiseToken, inspectToken } from "@vcc-pki/hsm-gateway";
import { writeSoftHsmConf } from "@vcc-pki/suite-tool";
import type { RunStep } from "../context.ts";
import { writeWhole } from "../files.ts";
import type { StepOf } from "../script.ts";

/** A PIN nobody has to type. */
const newPin = (): string => `${randomBytes(16).toString("hex")}\n`;

/** A SoftHSM token with new PINs in files beside it. What an interrupted attempt left is removed: no key can be in it yet. */
export const createToken: RunStep<StepOf<"create-token">> = async (_step, { home, configurations }) => {
  const { module, environment, label, pinFile } = configurations.hsmGateway.token;
  rmSync(home.token.objects, { recursive: true, force: true });
  writeSoftHsmConf(home);
  writeWhole(pinFile, newPin(), 0o600);
  writeWhole(home.token.soPinFile, newPin(), 0o600);
  const facts = initialiseToken({ module, environment, label, pinFile, soPinFile: home.token.soPinFile });
  return { label, module, ...facts };
};

/** A token that somebody has initialised. Throws ALREADY_EXISTS when it holds keys: it was part of a ceremony before. */
export const useToken: RunStep<StepOf<"use-token">> = async (_step, { configurations }) => {
  const { module, environment, label, pinFile } = configurations.hsmGateway.token;
  const { privateKeys, ...facts } = inspectToken({ module, environment, label, pinFile });
  if (privateKeys.length > 0) {
    throw new PkiError("ALREADY_EXISTS", `the token ${label} holds ${privateKeys.length} private keys: it is not new`);
  }
  return { label, module, ...facts };
};
