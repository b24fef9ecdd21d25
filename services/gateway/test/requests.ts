import { createPublicKey, hash } from "node:crypto";
import { generateTestKey } from "@vcc-pki/testkit/hierarchy";
import { createCertificationRequest, type GeneralNamesInput, pemEncode } from "@vcc-pki/x509";
import { expect } from "vitest";
import type { Suite } from "./suite.ts";

export const PROFILE = "mtls_service";
export const REQUEST = "/api/v1/certs/request?organisation=brandenburg";

/** A CSR of a new key, DER. */
export const csrFor = (names: GeneralNamesInput = { dns: ["argus.vcc.internal"] }): Buffer =>
  Buffer.from(createCertificationRequest({ privateKey: generateTestKey().privateKey, subjectAltNames: names }));

/** A certificate for brandenburg, as the operator obtains it. */
export async function issue(suite: Suite, dns = "argus.vcc.internal"): Promise<Record<string, string>> {
  const csr = pemEncode("CERTIFICATE REQUEST", csrFor({ dns: [dns] }));
  const answer = await suite.knock({ path: REQUEST, body: { profile: PROFILE, csr } });
  expect(answer.status).toBe(201);
  return answer.json() as Record<string, string>;
}

/** A new key of a service of brandenburg and its request for that service's identity, PEM. */
export function newIdentityRequest(service: string): {
  readonly csr: string;
  readonly keyPem: string;
  readonly spkiSha256: string;
} {
  const { privateKey } = generateTestKey();
  const uri = [`spiffe://vcc.internal/org/brandenburg/service/${service}`];
  const csrDer = createCertificationRequest({
    privateKey,
    subjectAltNames: { uri, dns: [`${service}.vcc.internal`] },
  });
  const spkiDer = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  return {
    csr: pemEncode("CERTIFICATE REQUEST", csrDer),
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    spkiSha256: hash("sha256", spkiDer, "hex"),
  };
}
