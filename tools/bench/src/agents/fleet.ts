import { randomUUIDv7 } from "node:crypto";
import { join } from "node:path";
import {
  AgentConfig,
  bundleHash,
  createPendingKey,
  EMPTY_STATE,
  type Identity,
  IdentityConfig,
  LayoutProfile,
  type Settings,
  storeOf,
} from "@vcc-pki/agent";
import { CertificateServiceDefinition } from "@vcc-pki/proto/ca";
import { RegistryServiceDefinition, ServiceState } from "@vcc-pki/proto/discovery";
import type { Remote } from "@vcc-pki/rpc";
import type { Suite } from "@vcc-pki/suite-tool";
import { parseCertificate, pemDecode, pemEncode } from "@vcc-pki/x509";
import { AS_OPERATOR } from "../tenant.ts";
import type { Admin } from "./admin.ts";

const ORGANISATION = "brandenburg";
const IN_FLIGHT = 32;

/** So many agents, each with an identity, a directory of files and a state of its own, with certificates that the ca has issued. Each service is
 *  registered and approved. */
export async function buildFleet(suite: Suite, admin: Admin, directory: string, size: number): Promise<Settings> {
  const identities = Array.from({ length: size }, (_, index) => identityOf(`agent-${index}`, directory));
  const settings: Settings = {
    ...AgentConfig.parse({ server: admin.server, stateDir: join(directory, "state"), identities: [] }),
    identities,
  };
  const registry = suite.connect(RegistryServiceDefinition, "discovery", "gateway");
  const certificates = suite.connect(CertificateServiceDefinition, "ca", "gateway");
  let next = 0;
  const work = async () => {
    while (next < identities.length) {
      const identity = identities[next++];
      if (!identity) return;
      await register(registry, identity);
      await certify(certificates, identity, settings, admin.bundlePem);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  return settings;
}

function identityOf(service: string, directory: string): Identity {
  const profile = LayoutProfile.parse({ certificate: "cert.pem", key: "key.pem", trust: "ca.pem" });
  return {
    ...IdentityConfig.parse({ organisation: ORGANISATION, service, dns: [`${service}.vcc.internal`] }),
    ...{ name: service, spiffeId: `spiffe://vcc.internal/org/${ORGANISATION}/service/${service}` },
    layout: { directory: join(directory, "files", service), profile, links: true },
  };
}

async function register(registry: Remote<typeof RegistryServiceDefinition>, { service, dns }: Identity): Promise<void> {
  const described = {
    ...{ organisation: ORGANISATION, service, type: "", description: "", owner: "", endpoints: [], healthUrl: "" },
    ...{ healthDialect: "", dnsNames: [...dns], ipAddresses: [], profile: "", dependsOn: [], managedBy: "" },
    ...{ state: ServiceState.UNSPECIFIED, stateReason: "", source: "", certificate: undefined, approvedBy: "" },
    ...{ approvedAt: undefined, registeredAt: undefined, changedAt: undefined, seenAt: undefined, version: 0 },
  };
  await registry.register({ requestId: randomUUIDv7(), service: described }, AS_OPERATOR);
  await registry.approve({ requestId: randomUUIDv7(), organisation: ORGANISATION, service }, AS_OPERATOR);
}

async function certify(
  certificates: Remote<typeof CertificateServiceDefinition>,
  identity: Identity,
  settings: Settings,
  bundlePem: string,
): Promise<void> {
  const { keyPem, csrPem } = createPendingKey(identity);
  const [csrDer = new Uint8Array()] = pemDecode(csrPem, "CERTIFICATE REQUEST");
  const wanted = { organisation: ORGANISATION, profile: "mtls_service", csrDer, authorityId: "", validitySeconds: 0 };
  const issued = await certificates.issue({ requestId: randomUUIDv7(), ...wanted }, AS_OPERATOR);
  const { serialHex, notBefore, notAfter } = parseCertificate(issued.chainDer[0] ?? new Uint8Array());
  const store = storeOf(settings, identity.name);
  const chainPem = issued.chainDer.map((der) => pemEncode("CERTIFICATE", der)).join("");
  store.write(EMPTY_STATE);
  store.keepCertificate(serialHex, { keyPem, chainPem });
  store.keepBundle(bundlePem);
  const certificateId = issued.certificate?.certificateId ?? "";
  const held = { serialHex, certificateId, spiffeId: identity.spiffeId, notBefore, notAfter, renewAt: notAfter };
  store.write({ ...EMPTY_STATE, held, bundle: bundleHash(bundlePem) });
}
