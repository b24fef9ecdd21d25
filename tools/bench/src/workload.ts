import { generateKeyPairSync, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CertificateServiceDefinition } from "@vcc-pki/proto/ca";
import { connect, type Remote, type ServiceDefinition, suiteId } from "@vcc-pki/rpc";
import type { GrpcService, Suite } from "@vcc-pki/suite-tool";
import { silentLogger } from "@vcc-pki/telemetry";
import { createCertificationRequest, pemEncode } from "@vcc-pki/x509";

const ADMIN = "spiffe://vcc.internal/org/brandenburg/admin/bench";

export const workloadUri = (service: string): string => `spiffe://vcc.internal/org/brandenburg/service/${service}`;

/** A service of brandenburg with a certificate of its own, as it reaches the suite's services. */
export interface Workload {
  connect<D extends ServiceDefinition>(definition: D, service: GrpcService, port: number): Remote<D>;
  close(): void;
}

/** Has the ca certify a service. */
export async function certifyWorkload(suite: Suite, service: string): Promise<Workload> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subjectAltNames = { dns: [`${service}.vcc.internal`], uri: [workloadUri(service)] };
  const csrDer = createCertificationRequest({ privateKey, subjectAltNames });
  const { chainDer } = await suite.connect(CertificateServiceDefinition, "ca", "gateway").issue(
    {
      ...{ requestId: randomUUID(), organisation: "brandenburg", profile: "mtls_service", csrDer },
      ...{ authorityId: "", validitySeconds: 0 },
    },
    { requester: ADMIN },
  );
  const material = {
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    chainPem: chainDer.map((der) => pemEncode("CERTIFICATE", der)).join(""),
    trustPem: readFileSync(join(suite.home, "trust/root.pem"), "utf8"),
  };
  const identity = { current: () => material, onChange: () => () => {} };
  const clients: { close(): void }[] = [];
  return {
    connect(definition, name, port) {
      const client = connect(definition, {
        ...{ address: `127.0.0.1:${port}`, identity, expect: suiteId(name), log: silentLogger },
      });
      clients.push(client);
      return client;
    },
    close() {
      for (const client of clients) client.close();
    },
  };
}
