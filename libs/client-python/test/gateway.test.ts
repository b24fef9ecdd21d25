import { hash, randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { newSigningDoor, type SigningDoor } from "@vcc-pki/gateway/signing-harness";
import { type Artefact, Shape } from "@vcc-pki/proto/signing";
import { ADMIN } from "@vcc-pki/signing/harness";
import { parseCertificate, pemEncode } from "@vcc-pki/x509";
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
    const artefacts = await signAdapter();
    const env = { VCC_STORAGE: directory, VCC_GATEWAY: `https://localhost:${door.port}`, VCC_ARTEFACTS: artefacts };
    expect(await pytest(python ?? "", ["tests/test_gateway.py"], env)).toMatch(/^\d+ passed/);
  },
  PYTHON_MS,
);

/** A directory that clara has signed, with what a relying party needs beside it. Returns where that is written. */
async function signAdapter(): Promise<string> {
  const { signing } = door;
  await signing.publishLists();
  const files = { "weights.txt": "weights\n", "tokenizer/wörter.txt": "das\n" };
  const artefact: Artefact = {
    ...{ type: "model_weights", name: "bauordnung", version: "1.2.0", shape: Shape.DIRECTORY },
    metadataJson: JSON.stringify({ riskClass: "limited" }),
    resources: Object.entries(files).map(([path, content]) => ({ path, sha256: hash("sha256", content, "buffer") })),
  };
  const made = await signing.as(ADMIN).signatures.signManifest({ requestId: randomUUID(), signer: "clara", artefact });
  const model = `${directory}/bauordnung`;
  mkdirSync(`${model}/tokenizer`, { recursive: true });
  const all = { ...files, SHA256SUMS: made.manifest, "SHA256SUMS.p7s": made.signedDataDer };
  for (const [path, content] of Object.entries(all)) writeFileSync(`${model}/${path}`, content);

  const { authorities, crls } = signing.ca.as();
  const { issuers } = await authorities.listIssuers({});
  const lists = await Promise.all((await crls.list({})).crls.filter(({ delta }) => !delta).map((crl) => crls.get(crl)));
  const bundle = [
    ...issuers.map(({ certificateDer }) => pemEncode("CERTIFICATE", certificateDer)),
    ...lists.map(({ crlDer }) => pemEncode("X509 CRL", crlDer)),
  ];
  const signers = issuers.find(({ authorityId }) => authorityId === "vcc-code-signing-ca")?.certificateDer;
  const policy = {
    issuers: [`sha256:${hash("sha256", parseCertificate(signers ?? Buffer.alloc(0)).spkiDer)}`],
    identities: ["spiffe://vcc.internal/org/brandenburg/service/clara"],
    ...{ organisation: "brandenburg", types: ["model_weights"] },
  };
  writeFileSync(`${directory}/bundle-with-crls.pem`, bundle.join(""));
  writeFileSync(`${directory}/policy.json`, JSON.stringify(policy));
  for (const [file, pem] of Object.entries({ "admin.pem": door.admin.chainPem, "admin-key.pem": door.admin.keyPem }))
    writeFileSync(`${directory}/${file}`, pem, { mode: 0o600 });
  return JSON.stringify({
    ...{ model, policy: `${directory}/policy.json`, bundle: `${directory}/bundle-with-crls.pem` },
    ...{ digest: made.artefactDigest, recalls: `http://127.0.0.1:${signing.signing.httpPort}` },
    ...{ admin: [`${directory}/admin.pem`, `${directory}/admin-key.pem`], signature: made.signatureId },
  });
}
