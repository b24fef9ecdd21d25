import { generateKeyPairSync, randomUUIDv7 } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ERRORS, PkiError } from "@vcc-pki/errors";
import { CertificateServiceDefinition, RevocationReason } from "@vcc-pki/proto/ca";
import type { SuitePeers } from "@vcc-pki/suite-tool";
import { type Certificate, createCertificationRequest, parseCertificate } from "@vcc-pki/x509";

const OPERATOR = "spiffe://vcc.internal/org/vcc/admin/operator";
const AS_OPERATOR = { requester: OPERATOR } as const;
const AGAIN_MS = 200;

/** Profiles that certificates are issued by, each to an organisation of the development ceremony whose names it may carry. Only
 *  administrators may be put on hold. */
const ORGANISATIONS = { mtls_service: "brandenburg", admin: "vcc" } as const;
export type Profile = keyof typeof ORGANISATIONS;
export const PROFILES: readonly Profile[] = ["mtls_service", "admin"];

export const REASONS = {
  keyCompromise: RevocationReason.KEY_COMPROMISE,
  superseded: RevocationReason.SUPERSEDED,
  cessationOfOperation: RevocationReason.CESSATION_OF_OPERATION,
  certificateHold: RevocationReason.CERTIFICATE_HOLD,
} as const;

/** A certificate to change. */
export interface Own {
  readonly certificateId: string;
  readonly profile: Profile;
}

export interface Issued extends Own {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
}

export interface Changing {
  issue(profile: Profile, name: string): Promise<Issued>;
  revoke(own: Own, reason: keyof typeof REASONS): Promise<void>;
  release(own: Own): Promise<void>;
}

/** A client that asks the ca for changes of status. Like any sound client it repeats a request that got no answer under the same request
 *  id, for as long as `isWanted`. Throws on a refusal, and when it is not wanted any more. */
export function changing(peers: SuitePeers, isWanted: () => boolean): Changing {
  const ca = peers.connect(CertificateServiceDefinition, "ca", "gateway");
  return {
    async issue(profile, name) {
      const common = { organisation: ORGANISATIONS[profile], authorityId: "", validitySeconds: 0 };
      const request = { requestId: randomUUIDv7(), ...common, profile, csrDer: newCsr(profile, name) };
      const { certificate, chainDer } = await untilAnswered(isWanted, () => ca.issue(request, AS_OPERATOR));
      const [own, issuer] = chainDer.map(parseCertificate);
      if (certificate === undefined || own === undefined || issuer === undefined) throw new Error("no certificate");
      return { certificateId: certificate.certificateId, profile, certificate: own, issuer };
    },
    async revoke(own, reason) {
      const revocation = { ...requestAbout(own), reason: REASONS[reason], invalidityDate: undefined };
      await untilAnswered(isWanted, () => ca.revoke(revocation, AS_OPERATOR));
    },
    async release(own) {
      const request = requestAbout(own);
      await untilAnswered(isWanted, () => ca.release(request, AS_OPERATOR));
    },
  };
}

const requestAbout = ({ certificateId, profile }: Own) => ({
  requestId: randomUUIDv7(),
  organisation: ORGANISATIONS[profile],
  certificateId,
});

function newCsr(profile: Profile, name: string): Uint8Array {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const uri = [`spiffe://vcc.internal/org/${ORGANISATIONS.admin}/admin/${name}`];
  const subjectAltNames = profile === "admin" ? { uri } : { dns: [`${name}.vcc.internal`] };
  return createCertificationRequest({ subjectAltNames, privateKey });
}

async function untilAnswered<T>(isWanted: () => boolean, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const mayBeRepeated = error instanceof PkiError && ERRORS[error.code].retry;
      if (!mayBeRepeated || !isWanted()) throw error;
      await sleep(AGAIN_MS);
    }
  }
}
