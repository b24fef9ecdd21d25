import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { custodianKeyFile } from "../approvals.ts";
import type { RunStep, StepContext } from "../context.ts";
import { writeSecretOnce } from "../files.ts";
import type { StepOf } from "../script.ts";

/** The people whose signatures make a quorum, before the first key exists. */
export const registerCustodians: RunStep<StepOf<"register-custodians">> = async (
  { threshold, custodians },
  context,
) => {
  const registered = custodians.map(({ id, person, publicKey }) => ({
    custodianId: id,
    identity: context.personUri(person),
    spkiDer: spkiOf(publicKey === undefined ? keyOnDisk(id, context) : readPublicKey(publicKey, context)),
  }));
  const suite = await context.suite();
  await suite.custodians.register({ requestId: context.requestId("custodians"), custodians: registered, threshold });
  return {
    threshold,
    custodians: registered.map(({ spkiDer, ...rest }) => ({ ...rest, spkiSha256: hash("sha256", spkiDer) })),
  };
};

/** Relative to the script: they are reviewed together. */
const readPublicKey = (file: string, { script }: StepContext): KeyObject =>
  createPublicKey(readFileSync(resolve(dirname(script.file), file)));

function keyOnDisk(id: string, { home }: StepContext): KeyObject {
  const file = custodianKeyFile(home, id);
  writeSecretOnce(file, () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  });
  return createPublicKey(createPrivateKey(readFileSync(file)));
}

const spkiOf = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ type: "spki", format: "der" }));
