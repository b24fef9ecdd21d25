import { generateKeyPairSync, randomUUIDv7 } from "node:crypto";
import { suiteId } from "@vcc-pki/rpc";
import { writeIdentity } from "@vcc-pki/service";
import type { Home } from "@vcc-pki/suite-tool";
import { type Certificate, createCertificationRequest, parseCertificate, pemEncode } from "@vcc-pki/x509";
import type { Configurations, InProcessSuite } from "./in-process.ts";

export interface PlatformIdentityOptions {
  readonly home: Home;
  readonly suite: InProcessSuite;
  readonly configurations: Configurations;
}

/** Gives a service of the suite a new key and certificate, asked for in its own name, with the names that the ca's configuration
 *  has for it. Answers the certificate. */
export async function issuePlatformIdentity(service: string, options: PlatformIdentityOptions): Promise<Certificate> {
  const { home, suite, configurations } = options;
  const { platformNames, trustDomain } = configurations.ca;
  const { dns, ip } = platformNames[service] ?? { dns: [], ip: [] };
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subjectAltNames = { uri: [suiteId(service, trustDomain)], dns, ip };
  const { chainDer } = await suite.certificatesAs(service).issue({
    // Another attempt has another key, so it is another request.
    requestId: randomUUIDv7(),
    ...{ organisation: "", profile: "platform", authorityId: "", validitySeconds: 0 },
    csrDer: createCertificationRequest({ subjectAltNames, privateKey }),
  });
  const { rootsDer } = await suite.authorities.getTrustBundle({});
  writeIdentity(home.identity(service), {
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    chainPem: pemOf(chainDer),
    trustPem: pemOf(rootsDer),
  });
  const [leafDer] = chainDer;
  if (leafDer === undefined) throw new Error("the ca answered without a certificate");
  return parseCertificate(leafDer);
}

export const pemOf = (certificatesDer: readonly Uint8Array[]): string =>
  certificatesDer.map((der) => pemEncode("CERTIFICATE", der)).join("");
