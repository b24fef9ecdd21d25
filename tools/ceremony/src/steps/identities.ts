import { generateKeyPairSync, hash, randomUUIDv7 } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { PkiError } from "@vcc-pki/errors";
import { createCertificationRequest, parseCertificate, pemDecode } from "@vcc-pki/x509";
import type { RunStep, StepContext } from "../context.ts";
import { writeWhole } from "../files.ts";
import { issuePlatformIdentity, pemOf } from "../platform-identity.ts";
import type { StepOf } from "../script.ts";

/** The suite's own certificates for mutual TLS, with which the services start. From then on each renews its own. */
export const issuePlatformIdentities: RunStep<StepOf<"issue-platform-identities">> = async ({ services }, context) => {
  const suite = await context.suite();
  const issued = [];
  for (const service of services) {
    const { serialHex, notAfter } = await issuePlatformIdentity(service, { ...context, suite });
    issued.push({ service, serial: serialHex, notAfter: notAfter.toISOString() });
  }
  return { identities: issued };
};

/** The certificate of the operator's first administrator, without whom nobody could open the REST door. */
export const issueAdminCertificate: RunStep<StepOf<"issue-admin-certificate">> = async ({ csr }, context) => {
  const { home, organisation, operator } = context;
  const { csrDer, keyPem } = csr === undefined ? makeRequest(operator.requester) : readRequest(csr, context);
  const { certificates } = await context.suite();
  const { chainDer } = await certificates.issue(
    {
      ...{ requestId: randomUUIDv7(), organisation, profile: "admin", authorityId: "", validitySeconds: 0 },
      csrDer,
    },
    operator,
  );
  if (keyPem !== undefined) writeWhole(home.operator.key, keyPem, 0o600);
  writeWhole(home.operator.chain, pemOf(chainDer), 0o644);
  const [leafDer = new Uint8Array()] = chainDer;
  const { serialHex, notAfter } = parseCertificate(leafDer);
  return {
    ...{ identity: operator.requester, serial: serialHex, notAfter: notAfter.toISOString() },
    certificateSha256: hash("sha256", leafDer),
  };
};

interface AdminRequest {
  readonly csrDer: Uint8Array;
  /** Of a key that was made here. */
  readonly keyPem?: string;
}

function makeRequest(uri: string): AdminRequest {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    csrDer: createCertificationRequest({ subjectAltNames: { uri: [uri] }, privateKey }),
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function readRequest(file: string, { script }: StepContext): AdminRequest {
  const [csrDer] = pemDecode(readFileSync(resolve(dirname(script.file), file), "utf8"), "CERTIFICATE REQUEST");
  if (csrDer === undefined) throw new PkiError("CSR_MALFORMED", `${file} holds no certification request`);
  return { csrDer };
}
