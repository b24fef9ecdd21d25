import type { Clock } from "@vcc-pki/time";
import { buildTbsCertificate, type CertificationRequest } from "@vcc-pki/x509";
import { shardOfSerial } from "./crl-rules.ts";
import type { Issuer } from "./issuer.ts";
import type { RequestedNames } from "./names.ts";
import {
  extensionsFor,
  type LeafFields,
  type Profile,
  responderName,
  subjectOf,
  type ValidityRules,
  validityOf,
} from "./profile.ts";

export interface LeafRequest {
  readonly profile: Profile;
  readonly issuer: Issuer;
  readonly names: RequestedNames;
  readonly csr: CertificationRequest;
  readonly organisationName: string;
  readonly serial: Uint8Array;
  readonly validityMs: number | undefined;
}

/** Builds the TBSCertificates of end entities. From the request come the key and the names; all else is the profile's and the
 *  issuer's, encoded once for each pair of them. */
export class LeafBuilder {
  readonly #clock: Clock;
  readonly #rules: ValidityRules;
  readonly #extensions = new WeakMap<Issuer, WeakMap<Profile, (leaf: LeafFields) => Uint8Array[]>>();

  constructor(clock: Clock, rules: ValidityRules) {
    this.#clock = clock;
    this.#rules = rules;
  }

  /** Throws VALIDITY_NOT_ALLOWED. */
  build({ profile, issuer, names, csr, organisationName, serial, validityMs }: LeafRequest): Uint8Array {
    const validity = validityOf(profile, issuer.facts, this.#clock.now(), this.#rules, validityMs);
    const { spkiDer, keyAlgorithm } = csr;
    return buildTbsCertificate({
      ...{ serial, spkiDer, ...validity },
      signatureAlgorithm: issuer.signer.algorithm,
      issuer: issuer.certificate.subject,
      subject: profile.names.certified
        ? subjectOf(organisationName, names)
        : responderName(issuer.certificate, issuer.authorityId),
      extensions: this.#extensionsOf(
        issuer,
        profile,
      )({
        ...{ names, spkiDer, keyAlgorithm, notBefore: validity.notBefore },
        crlShard: shardOfSerial(serial, issuer.facts.lists.length),
      }),
    });
  }

  #extensionsOf(issuer: Issuer, profile: Profile): (leaf: LeafFields) => Uint8Array[] {
    let byProfile = this.#extensions.get(issuer);
    if (byProfile === undefined) {
      byProfile = new WeakMap();
      this.#extensions.set(issuer, byProfile);
    }
    let build = byProfile.get(profile);
    if (build === undefined) {
      build = extensionsFor(profile, issuer.facts);
      byProfile.set(profile, build);
    }
    return build;
  }
}
