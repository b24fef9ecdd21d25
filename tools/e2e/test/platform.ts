import { generateKeyPairSync, randomUUID } from "node:crypto";
import { CertificateServiceDefinition } from "@vcc-pki/proto/ca";
import { HealthDefinition } from "@vcc-pki/proto/health";
import { connect, type IdentityMaterial, type IdentitySource, suiteId } from "@vcc-pki/rpc";
import { fileIdentity } from "@vcc-pki/service";
import { silentLogger as log } from "@vcc-pki/telemetry";
import { createCertificationRequest, pemEncode } from "@vcc-pki/x509";
import type { Suite } from "./suite.ts";

export interface PlatformIdentity extends IdentitySource {
  readonly certId: string;
}

/** One more certificate in the name of a service of the suite, asked for as the service itself would renew its own. */
export async function newPlatformIdentity(suite: Suite, offset: number, service: string): Promise<PlatformIdentity> {
  const own = fileIdentity(suite.file(`identity/${service}`), log);
  const address = `127.0.0.1:${7402 + offset}`;
  const ca = connect(CertificateServiceDefinition, { address, identity: own, expect: suiteId("ca"), log });
  try {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const csrDer = createCertificationRequest({ subjectAltNames: { uri: [suiteId(service)] }, privateKey });
    const { certificate, chainDer } = await ca.issue({
      ...{
        requestId: randomUUID(),
        organisation: "",
        profile: "platform",
        csrDer,
        authorityId: "",
        validitySeconds: 0,
      },
    });
    const material: IdentityMaterial = {
      keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      chainPem: chainDer.map((der) => pemEncode("CERTIFICATE", der)).join(""),
      trustPem: own.current().trustPem,
    };
    return { certId: certificate?.certificateId ?? "", current: () => material, onChange: () => () => {} };
  } finally {
    ca.close();
    own.close();
  }
}

/** What a service gets at another one's door: "OK" or the code of the refusal. */
export function visit(service: string, port: number, identity: IdentitySource) {
  const address = `127.0.0.1:${port}`;
  const health = connect(HealthDefinition, { address, identity, expect: suiteId(service), log });
  const codeOf = (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => "OK",
      (error) => error.code,
    );
  return {
    call: () => codeOf(health.check({ service: "" })),
    /** Opens a stream; resolves to how it ends. */
    async stream(): Promise<{ readonly end: Promise<string> }> {
      const states = health.watch({ service: "" })[Symbol.asyncIterator]();
      await states.next();
      const rest = async () => {
        for (let next = await states.next(); !next.done; next = await states.next());
      };
      return { end: codeOf(rest()) };
    },
    close: () => health.close(),
  };
}
