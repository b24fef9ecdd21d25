import { randomUUIDv7 } from "node:crypto";
import { ERRORS, isErrorCode, PkiError } from "@vcc-pki/errors";
import type { CertificateServiceDefinition } from "@vcc-pki/proto/ca";
import type { CallContext, Remote } from "@vcc-pki/rpc";
import type { Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";
import { parseCertificate } from "@vcc-pki/x509";
import type { Registry } from "./registry.ts";
import { isApproved, type ServiceKey } from "./service-record.ts";
import type { Attestation, Enrolment, EnrolmentTable } from "./store/enrolments.ts";

export interface EnrolOptions {
  readonly store: Store;
  readonly enrolments: EnrolmentTable;
  readonly registry: Registry;
  readonly certificates: Pick<Remote<typeof CertificateServiceDefinition>, "issue">;
  readonly clock: Clock;
  readonly self: string;
}

export interface EnrolWish extends ServiceKey {
  readonly profile: string;
  readonly csrDer: Uint8Array;
}

/** What a service has in the end. */
export interface EnrolledIdentity extends ServiceKey {
  readonly certificateId: string;
  readonly profile: string;
  /** The certificate first, then its issuers without the root. */
  readonly chainDer: readonly Uint8Array[];
}

/** How a service that something has vouched for comes to its certificate. */
export class Enrol {
  readonly #options: EnrolOptions;

  constructor(options: EnrolOptions) {
    this.#options = options;
  }

  /** What the same request has led to so far. Throws REQUEST_ID_REUSED. */
  find(attestation: Attestation): Enrolment | undefined {
    return this.#options.enrolments.find(attestation);
  }

  /** Certifies it, once for each attestation. `use` uses up what vouched for it, inside the transaction that stores the intent, and throws when it
   *  cannot. Throws ENROLMENT_REFUSED when the service is not approved (any more), and what the ca refuses with; then what vouched for it is used up all the same. */
  async run(
    attestation: Attestation,
    wish: EnrolWish,
    context: CallContext,
    use: () => void = () => {},
  ): Promise<EnrolledIdentity> {
    const { store, enrolments } = this.#options;
    // 1 the intent
    const enrolment = await store.write(() => {
      const begun = enrolments.find(attestation);
      if (begun !== undefined) return begun;
      use();
      return this.#begin(attestation, wish, context);
    });
    // 2 an answer that there is
    if (enrolment.certified !== undefined) return identityOf(enrolment, enrolment.certified);
    if (enrolment.refused !== undefined)
      throw new PkiError(isErrorCode(enrolment.refused) ? enrolment.refused : "INTERNAL", "the ca has refused it");
    // 3 the certificate, under an id of ours
    const { certificate, chainDer } = await this.#issue(enrolment);
    // 4 the fact
    await store.write(() => this.#record(enrolment, certificate.certificateId, chainDer, attestation, context));
    return identityOf(enrolment, { certificateId: certificate.certificateId, chainDer });
  }

  #begin(attestation: Attestation, wish: EnrolWish, context: CallContext): Enrolment {
    const { store, enrolments, registry, clock } = this.#options;
    const record = registry.find(wish);
    if (record === undefined || !isApproved(record))
      throw new PkiError("ENROLMENT_REFUSED", "this service is not approved");
    const begun: Enrolment = {
      ...{ ...wish, enrolmentId: randomUUIDv7(), begunAt: clock.now(), certified: undefined, refused: undefined },
    };
    enrolments.insert(attestation, begun);
    store.audit.add(this.#auditOf(begun, "requested", attestation, context));
    return begun;
  }

  async #issue(enrolment: Enrolment) {
    const { certificates, store, enrolments } = this.#options;
    const { organisation, profile, csrDer, enrolmentId: requestId } = enrolment;
    const request = { organisation, profile, csrDer, requestId, authorityId: "", validitySeconds: 0 };
    try {
      const { certificate, chainDer } = await certificates.issue(request);
      if (certificate === undefined) throw new Error("the ca answered without certificate");
      return { certificate, chainDer };
    } catch (error) {
      if (error instanceof PkiError && !ERRORS[error.code].retry && error.code !== "INTERNAL") {
        const { code } = error;
        await store.write(() => enrolments.setRefused(enrolment, code));
      }
      throw error;
    }
  }

  #record(
    enrolment: Enrolment,
    certificateId: string,
    chainDer: readonly Uint8Array[],
    attestation: Attestation,
    context: CallContext,
  ): void {
    const { store, enrolments, registry, self } = this.#options;
    if (enrolments.find(attestation)?.certified !== undefined) return; // two repeats at once
    const [leafDer = new Uint8Array()] = chainDer;
    const { notBefore, notAfter } = parseCertificate(leafDer);
    enrolments.setCertified(enrolment, certificateId, chainDer);
    const certificate = {
      ...{ certificateId, profile: enrolment.profile, notBefore, notAfter, servedAt: undefined, revokedAt: undefined },
    };
    const [by] = attestation.attestor.split(" ");
    registry.note(enrolment, "enrolled", { actor: self, reason: `by ${by}: ${certificateId}` });
    // The ca's own event may have come first.
    registry.certify(enrolment, certificate, { actor: self, reason: "certified by the ca" });
    store.audit.add(this.#auditOf(enrolment, "done", attestation, context, certificateId));
  }

  #auditOf(
    { organisation, service, profile, enrolmentId }: Enrolment,
    outcome: "requested" | "done",
    { attestor, requestId }: Attestation,
    { caller, requester }: CallContext,
    certificateId?: string,
  ) {
    return {
      ...{ action: "service.enrol", outcome, organisation, target: service, requestId },
      ...{ caller: caller.uri, requester: requester.uri, details: { attestor, profile, enrolmentId, certificateId } },
    };
  }
}

const identityOf = (
  { organisation, service, profile }: Enrolment,
  { certificateId, chainDer }: NonNullable<Enrolment["certified"]>,
): EnrolledIdentity => ({ organisation, service, profile, certificateId, chainDer });
