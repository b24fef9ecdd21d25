import { mkdirSync, writeFileSync } from "node:fs";
import { newSigningDoor, type SigningDoor } from "@vcc-pki/gateway/signing-harness";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findPython, PYTHON_MS, pytest } from "./python.ts";
import { newCaseDirectory } from "./written-cases.ts";

/* The SDK at the real gateway, before the real signing service, tsa, ca and hsm-gateway. */

const { python, missing } = findPython("cryptography", "httpx", "pytest");
const directory = newCaseDirectory();
let door: SigningDoor;

beforeAll(async () => {
  door = await newSigningDoor();
  await door.signing.createSigner("clara");
  for (const name of ["clara", "argus"] as const) {
    const storage = `${directory}/${name}`;
    mkdirSync(storage);
    const { keyPem, chainPem } = door[name];
    const files = { "key.pem": keyPem, "cert.pem": chainPem, "ca_chain.pem": door.rootPem + door.trustPem };
    for (const [file, pem] of Object.entries(files)) writeFileSync(`${storage}/${file}`, pem, { mode: 0o600 });
  }
}, 120_000);
afterAll(() => door.close());

it.skipIf(python === undefined)(
  `signs, stamps and reports at the gateway${python ? "" : ` (skipped: no Python has ${missing})`}`,
  async () => {
    const env = { VCC_STORAGE: directory, VCC_GATEWAY: `https://localhost:${door.port}` };
    expect(await pytest(python ?? "", ["tests/test_gateway.py"], env)).toMatch(/^\d+ passed/);
  },
  PYTHON_MS,
);
