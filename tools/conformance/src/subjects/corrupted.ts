import { sign } from "node:crypto";
import type { Authority } from "@vcc-pki/proto/ca";
import {
  assembleSigned,
  authorityKeyIdentifier,
  basicConstraints,
  buildTbsCertificate,
  keyUsage,
  parseCertificate,
  sha1KeyIdentifier,
  subjectAltName,
} from "@vcc-pki/x509";
import { CORRUPTIONS } from "../corruption.ts";
import type { CertificateSpecimen, CrlSpecimen } from "../specimen.ts";
import { authorityOf, type IssuedCertificate } from "./issue.ts";
import type { Paths } from "./paths.ts";

/** Objects that were issued in good order and ought to be refused now. */
export interface Special {
  readonly expired: IssuedCertificate;
  readonly early: IssuedCertificate;
  readonly revoked: IssuedCertificate;
  /** A revoked authority. */
  readonly doomed: Authority;
  /** A list of vcc-services-ca that should have been replaced long ago. */
  readonly staleCrlDer: Uint8Array;
}

/** Whose certificates are corrupted: one for each kind of signature. */
const CORRUPTED_LEAVES = [
  "mtls_service ec-p256",
  `mtls_service by ec-p256 authority`,
  `mtls_service by rsa-3072 authority`,
  `mtls_service by ed25519 authority`,
];
const SERVICES_CA = "vcc-services-ca";

/** Certificates that nobody should accept. */
export function buildCorruptedCertificates(
  paths: Paths,
  leaves: readonly IssuedCertificate[],
  special: Special,
): CertificateSpecimen[] {
  const chosen = leaves.filter(({ label }) => CORRUPTED_LEAVES.includes(label));
  const [leaf] = chosen;
  if (leaf === undefined || chosen.length !== CORRUPTED_LEAVES.length)
    throw new Error("the leaves to corrupt are gone");
  const servicesCa = paths.authority(SERVICES_CA).certificate;
  return [
    ...chosen.flatMap(({ label, certificateDer }) => corruptedBytes(paths, label, certificateDer)),
    ...corruptedBytes(paths, SERVICES_CA, servicesCa.der),
    ...[special.expired, special.early, special.revoked].map(paths.ofLeaf),
    ofDoomedAuthority(paths, special.doomed),
    underWrongIssuer(paths, leaf),
    issuedByEndEntity(paths, leaf),
    withStaleCrl(paths, leaf, special.staleCrlDer),
  ];
}

function corruptedBytes(paths: Paths, label: string, der: Uint8Array): CertificateSpecimen[] {
  const sound = parseCertificate(der);
  return CORRUPTIONS.map(({ name, corrupt }) => paths.of({ label: `${label}, ${name}`, der: corrupt(der) }, sound));
}

/** The parent's list names it. */
const ofDoomedAuthority = (paths: Paths, { certificateDer }: Authority): CertificateSpecimen =>
  paths.of({ label: "revoked authority", der: certificateDer }, parseCertificate(certificateDer));

function underWrongIssuer(paths: Paths, { certificateDer }: IssuedCertificate): CertificateSpecimen {
  const stranger = paths.authority("vcc-code-signing-ca");
  const issuers = [stranger, ...paths.issuersOf(stranger.certificate)];
  const like = parseCertificate(certificateDer);
  return paths.of({ label: "shown under another issuer", der: certificateDer }, like, { issuers });
}

/** A holder of a certificate plays authority with its key. */
function issuedByEndEntity(paths: Paths, { certificateDer, privateKey }: IssuedCertificate): CertificateSpecimen {
  const issuer = parseCertificate(certificateDer);
  const tbsDer = buildTbsCertificate({
    ...{ serial: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), signatureAlgorithm: "ecdsa-p256-sha256" },
    ...{ issuer: issuer.subject, subject: issuer.subject, spkiDer: issuer.spkiDer },
    ...{ notBefore: issuer.notBefore, notAfter: issuer.notAfter },
    extensions: [
      basicConstraints({ ca: false }),
      keyUsage(["digitalSignature"]),
      subjectAltName({ dns: ["argus.vcc.internal"] }),
      authorityKeyIdentifier(sha1KeyIdentifier(issuer.spkiDer)),
    ],
  });
  const der = assembleSigned(tbsDer, "ecdsa-p256-sha256", sign("sha256", tbsDer, privateKey));
  const player = {
    authorityId: "",
    certificate: issuer,
    object: paths.files.object("player", "certificate", issuer.der),
  };
  const issuers = [{ ...player, crl: undefined }, ...paths.issuersOf(issuer)];
  return paths.of({ label: "issued by an end entity", der }, issuer, { issuers, crls: [] });
}

function withStaleCrl(paths: Paths, { certificateDer }: IssuedCertificate, crlDer: Uint8Array): CertificateSpecimen {
  const like = parseCertificate(certificateDer);
  const [, ...above] = paths.issuersOf(like);
  const stale = paths.files.object("stale list", "crl", crlDer);
  const crls = [stale, ...above.flatMap(({ crl }) => crl ?? [])];
  return paths.of({ label: "with a stale list", der: certificateDer }, like, { crls });
}

/** Lists that nobody should believe: with and without entries, by P-384, RSA and Ed25519. */
export function buildCorruptedCrls(paths: Paths, { staleCrlDer }: Special): CrlSpecimen[] {
  const corrupted = [SERVICES_CA, authorityOf("rsa-3072"), authorityOf("ed25519")].flatMap((authorityId) => {
    const { crl } = paths.authority(authorityId);
    if (crl === undefined) throw new Error(`${authorityId} has no list`);
    return CORRUPTIONS.map(({ name, corrupt }) =>
      crlOf(paths, `list of ${authorityId}, ${name}`, corrupt(crl.der), authorityId),
    );
  });
  const { crl } = paths.authority(SERVICES_CA);
  if (crl === undefined) throw new Error(`${SERVICES_CA} has no list`);
  return [
    ...corrupted,
    crlOf(paths, "stale list alone", staleCrlDer, SERVICES_CA),
    crlOf(paths, "list shown under another issuer", crl.der, "vcc-code-signing-ca"),
  ];
}

function crlOf(paths: Paths, label: string, der: Uint8Array, authorityId: string): CrlSpecimen {
  const { certificate, object } = paths.authority(authorityId);
  return paths.files.crl({
    label,
    object: paths.files.object(label, "crl", der),
    issuer: object,
    algorithms: [certificate.keyAlgorithm],
  });
}
