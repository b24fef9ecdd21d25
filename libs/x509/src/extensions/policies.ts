import { malformed } from "../der/malformed.ts";
import { DerReader } from "../der/reader.ts";
import { primitiveContext, TAG } from "../der/tags.ts";
import { OID } from "../oids.ts";
import { buildExtension, readSequence } from "./extension.ts";

/** CertificatePolicies ::= SEQUENCE SIZE (1..MAX) OF PolicyInformation (RFC 5280 section 4.2.1.4), without qualifiers. Not
 *  critical. */
export function certificatePolicies(policyOids: readonly string[]): Uint8Array {
  if (policyOids.length === 0) throw new RangeError("certificatePolicies without a policy");
  return buildExtension(OID.certificatePolicies, false, (writer) => {
    for (const oid of policyOids.toReversed()) {
      const end = writer.mark();
      writer.oid(oid);
      writer.wrap(TAG.SEQUENCE, end);
    }
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

/** The policies; qualifiers are checked to be DER and passed over. A policy comes only once. */
export function parseCertificatePolicies(valueDer: Uint8Array): string[] {
  const reader = DerReader.over(valueDer);
  const policies = reader.listOf(TAG.SEQUENCE, (list) =>
    list.within(TAG.SEQUENCE, (information) => {
      const oid = information.oid();
      if (!information.atEnd) information.skipChecked();
      return oid;
    }),
  );
  reader.end();
  if (new Set(policies).size !== policies.length) throw malformed("certificate policy comes twice");
  return policies;
}

export interface PolicyMapping {
  readonly issuerDomainPolicy: string;
  readonly subjectDomainPolicy: string;
}

/** PolicyMappings ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE { issuerDomainPolicy, subjectDomainPolicy } (RFC 5280 section 4.2.1.5).
 *  Read only: no CA of ours maps policies. */
export function parsePolicyMappings(valueDer: Uint8Array): PolicyMapping[] {
  const reader = DerReader.over(valueDer);
  const mappings = reader.listOf(TAG.SEQUENCE, (list) =>
    list.within(TAG.SEQUENCE, (mapping) => ({ issuerDomainPolicy: mapping.oid(), subjectDomainPolicy: mapping.oid() })),
  );
  reader.end();
  return mappings;
}

export interface PolicyConstraints {
  /** After how many certificates each must carry an acceptable policy. */
  readonly requireExplicitPolicy?: number;
  readonly inhibitPolicyMapping?: number;
}

/** PolicyConstraints ::= SEQUENCE { requireExplicitPolicy [0], inhibitPolicyMapping [1] } (RFC 5280 section 4.2.1.11). Critical. */
export function policyConstraints({ requireExplicitPolicy, inhibitPolicyMapping }: PolicyConstraints): Uint8Array {
  return buildExtension(OID.policyConstraints, true, (writer) => {
    if (inhibitPolicyMapping !== undefined) writer.integer(inhibitPolicyMapping, primitiveContext(1));
    if (requireExplicitPolicy !== undefined) writer.integer(requireExplicitPolicy, primitiveContext(0));
    if (writer.mark() === 0) throw new RangeError("empty policyConstraints");
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

export function parsePolicyConstraints(valueDer: Uint8Array): PolicyConstraints {
  return readSequence(valueDer, (value) => {
    if (value.atEnd) throw malformed("empty policyConstraints");
    const [requireExplicitPolicy, inhibitPolicyMapping] = [0, 1].map((number) =>
      value.nextIs(primitiveContext(number)) ? value.smallInteger(primitiveContext(number)) : undefined,
    );
    return { requireExplicitPolicy, inhibitPolicyMapping };
  });
}

/** InhibitAnyPolicy ::= INTEGER (RFC 5280 section 4.2.1.14): certificates until anyPolicy no longer counts. Critical. */
export function inhibitAnyPolicy(skipCertificates: number): Uint8Array {
  return buildExtension(OID.inhibitAnyPolicy, true, (writer) => writer.integer(skipCertificates));
}

export function parseInhibitAnyPolicy(valueDer: Uint8Array): number {
  const reader = DerReader.over(valueDer);
  const skipCertificates = reader.smallInteger();
  reader.end();
  return skipCertificates;
}
