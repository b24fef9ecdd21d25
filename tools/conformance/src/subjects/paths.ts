import type { Authority } from "@vcc-pki/proto/ca";
import { type Certificate, equalBytes, parseCertificate } from "@vcc-pki/x509";
import type { CertificateSpecimen, CrlSpecimen, ObjectFiles, PairSpecimen } from "../specimen.ts";
import type { SpecimenFiles } from "../specimen-files.ts";
import type { IssuedCertificate } from "./issue.ts";

interface PathAuthority {
  readonly authorityId: string;
  readonly certificate: Certificate;
  readonly object: ObjectFiles;
  readonly crl: ObjectFiles | undefined;
}

export interface Subject {
  readonly label: string;
  readonly der: Uint8Array;
  readonly profile?: string;
}

/** What a subject is shown with: normally the path that belongs to it. */
export interface PathOverrides {
  /** Nearest issuer first, root last. */
  readonly issuers?: readonly PathAuthority[];
  readonly crls?: readonly ObjectFiles[];
}

/** Finds the issuers and lists that belong to an object, and makes specimens of them. */
export interface Paths {
  readonly files: SpecimenFiles;
  authority(authorityId: string): PathAuthority;
  issuersOf(certificate: Certificate): PathAuthority[];
  ofLeaf(leaf: IssuedCertificate): CertificateSpecimen;
  ofAuthority(authority: Authority): CertificateSpecimen;
  /** `like` is the sound certificate whose path the subject is shown with. */
  of(subject: Subject, like: Certificate, overrides?: PathOverrides): CertificateSpecimen;
  pairs(leaves: readonly IssuedCertificate[]): PairSpecimen[];
  crls(): CrlSpecimen[];
}

/** Short-lived certificates (RFC 9608) and responders (RFC 6960 section 4.2.2.2.1) say that nobody tells whether they are revoked: they
 *  name no list, and are in the scope of none. */
const hasLists = ({ known }: Certificate): boolean => !(known.noRevAvail || known.ocspNoCheck);

export function openPaths(
  files: SpecimenFiles,
  authorities: readonly Authority[],
  crlsDer: ReadonlyMap<string, Uint8Array>,
): Paths {
  const known = authorities.map(({ authorityId, certificateDer }): PathAuthority => {
    const crlDer = crlsDer.get(authorityId);
    return {
      authorityId,
      certificate: parseCertificate(certificateDer),
      object: files.object(`authority ${authorityId}`, "certificate", certificateDer),
      crl: crlDer && files.object(`list of ${authorityId}`, "crl", crlDer),
    };
  });

  /** Nearest first; a root issued itself and has none. */
  function issuersOf(certificate: Certificate): PathAuthority[] {
    if (equalBytes(certificate.issuer.der, certificate.subject.der)) return [];
    const issuer = known.find((one) => equalBytes(one.certificate.subject.der, certificate.issuer.der));
    if (issuer === undefined) throw new Error("issued by nobody known");
    return [issuer, ...issuersOf(issuer.certificate)];
  }

  function of({ label, der, profile }: Subject, like: Certificate, overrides: PathOverrides = {}): CertificateSpecimen {
    const issuers = overrides.issuers ?? issuersOf(like);
    const crls = hasLists(like) ? issuers.flatMap(({ crl }) => crl ?? []) : [];
    return files.certificate({
      ...{ label, profile, isCa: like.isCa },
      object: files.object(label, "certificate", der),
      issuers: issuers.map(({ object }) => object),
      crls: overrides.crls ?? crls,
      algorithms: [like, ...issuers.map(({ certificate }) => certificate)].map(({ keyAlgorithm }) => keyAlgorithm),
    });
  }

  /** None for a root, which is its own issuer. */
  function pairsOf(label: string, der: Uint8Array): PairSpecimen[] {
    const certificate = parseCertificate(der);
    return issuersOf(certificate)
      .slice(0, 1)
      .map((issuer) =>
        files.pair({
          label,
          object: files.object(`${label} pair`, "certificate", der),
          issuer: issuer.object,
          algorithms: [certificate.keyAlgorithm, issuer.certificate.keyAlgorithm],
        }),
      );
  }

  return {
    files,
    issuersOf,
    of,
    authority(authorityId) {
      const found = known.find((one) => one.authorityId === authorityId);
      if (found === undefined) throw new Error(`no authority ${authorityId}`);
      return found;
    },
    ofLeaf: ({ label, profile, certificateDer }) =>
      of({ label, profile, der: certificateDer }, parseCertificate(certificateDer)),
    ofAuthority: ({ authorityId, certificateDer }) =>
      of({ label: authorityId, der: certificateDer }, parseCertificate(certificateDer)),
    pairs: (leaves) => [
      ...leaves.flatMap(({ label, certificateDer }) => pairsOf(label, certificateDer)),
      ...known.flatMap(({ authorityId, certificate }) => pairsOf(authorityId, certificate.der)),
    ],
    crls: () =>
      known.flatMap(({ authorityId, certificate, object, crl }) =>
        crl === undefined
          ? []
          : files.crl({
              label: `list of ${authorityId}`,
              object: crl,
              issuer: object,
              algorithms: [certificate.keyAlgorithm],
            }),
      ),
  };
}
