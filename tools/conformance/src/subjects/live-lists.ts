import type { OcspHarness } from "@vcc-pki/ocsp/harness";
import { type Certificate, type CertificateList, equalBytes, parseCertificateList } from "@vcc-pki/x509";
import type { CertificateSpecimen, CrlSpecimen, ObjectFiles } from "../specimen.ts";
import type { SpecimenFiles } from "../specimen-files.ts";

export const LIVE_AUTHORITIES = [
  "vcc-root-ca",
  "vcc-services-ca",
  "vcc-code-signing-ca",
  "vcc-admin-ca",
  "vcc-tsa-ca",
  "vcc-external-orgs-ca",
] as const;

interface LiveList {
  readonly label: string;
  readonly object: ObjectFiles;
  readonly issuer: Certificate;
}

/** Every list that is in force at one time. */
export interface LiveLists {
  readonly full: readonly LiveList[];
  readonly deltas: readonly LiveList[];
}

/** Downloads them as a relying party does. */
export async function fetchLists(suite: OcspHarness, files: SpecimenFiles, when: string): Promise<LiveLists> {
  const { crls } = await suite.ca.as("ocsp", undefined).crls.list({});
  const lists: { full: LiveList[]; deltas: LiveList[] } = { full: [], deltas: [] };
  for (const { authorityId, shard, delta } of crls) {
    if (!LIVE_AUTHORITIES.some((one) => one === authorityId)) continue;
    const name = `${authorityId}/${shard}${delta ? "-delta" : ""}`;
    const response = await fetch(`${suite.url}/crl/${name}.crl`);
    if (response.status !== 200) throw new Error(`${name}: HTTP status ${response.status}`);
    const der = new Uint8Array(await response.arrayBuffer());
    const label = `served list ${name} ${when}`;
    const list = { label, object: files.object(label, "crl", der), issuer: await suite.authority(authorityId) };
    lists[delta ? "deltas" : "full"].push(list);
  }
  return lists;
}

/** What judges are to see on lists, each with what shows it. */
const FEATURES: Readonly<Record<string, (list: CertificateList) => boolean>> = {
  "a second shard": ({ known }) => known.issuingDistributionPoint?.urls.some((url) => url.endsWith("/1.crl")) ?? false,
  "a delta list": ({ known }) => known.deltaCrlIndicator !== undefined,
  "a freshest list": ({ known }) => (known.freshestCrl ?? []).length > 0,
  "a hold": (list) => list.revoked().some(({ reason }) => reason === "certificateHold"),
  "a release": (list) => list.revoked().some(({ reason }) => reason === "removeFromCRL"),
  "an invalidity date": (list) => list.revoked().some(({ invalidityDate }) => invalidityDate !== undefined),
  "a list that keeps the expired": ({ known }) => known.expiredCertsOnCrl !== undefined,
  "a list of authorities alone": ({ known }) => known.issuingDistributionPoint?.onlyContainsCaCerts ?? false,
};

/** Throws unless each feature is on one of the lists: a judge that is shown less proves less. */
export function requireFeatures(specimens: readonly CrlSpecimen[]): void {
  const lists = specimens.map(({ object }) => parseCertificateList(object.der));
  const missing = Object.entries(FEATURES).flatMap(([feature, has]) => (lists.some(has) ? [] : feature));
  if (missing.length > 0) throw new Error(`no list shows ${missing.join(", ")}`);
}

/** The lists by themselves; those that stayed the same once. */
export function listSpecimens(files: SpecimenFiles, fetched: readonly LiveLists[]): CrlSpecimen[] {
  const all = fetched.flatMap(({ full, deltas }) => [...full, ...deltas]);
  const different = all.filter(
    ({ object }, i) => !all.slice(0, i).some((one) => equalBytes(one.object.der, object.der)),
  );
  return different.map(({ label, object, issuer }) =>
    files.crl({
      ...{ label, object, issuer: files.object(`${label} issuer`, "certificate", issuer.der) },
      algorithms: [issuer.keyAlgorithm],
    }),
  );
}

/** Makes a specimen of a certificate and the lists of the authorities above it, those of other shards included. */
export function pathWithLists(suite: OcspHarness, files: SpecimenFiles) {
  return async (
    label: string,
    certificate: Certificate,
    full: readonly LiveList[],
    deltas: readonly LiveList[] = [],
  ): Promise<CertificateSpecimen> => {
    const issuers = await issuersOf(suite, certificate);
    const ofIssuers = (lists: readonly LiveList[]) =>
      lists
        .filter(({ object }) =>
          issuers.some(({ subject }) => equalBytes(subject.der, parseCertificateList(object.der).issuer.der)),
        )
        .map(({ object }) => object);
    const object = (name: string, { der }: Certificate) => files.object(name, "certificate", der);
    return files.certificate({
      ...{ label, isCa: false, object: object(label, certificate), crls: ofIssuers(full), deltas: ofIssuers(deltas) },
      issuers: issuers.map((issuer, index) => object(`${label} issuer ${index}`, issuer)),
      algorithms: [certificate, ...issuers].map(({ keyAlgorithm }) => keyAlgorithm),
    });
  };
}

/** Nearest first, root last. */
export async function issuersOf(suite: OcspHarness, { issuer }: Certificate): Promise<Certificate[]> {
  for (const authorityId of LIVE_AUTHORITIES) {
    const authority = await suite.authority(authorityId);
    if (!equalBytes(authority.subject.der, issuer.der)) continue;
    const root = await suite.authority("vcc-root-ca");
    return authorityId === "vcc-root-ca" ? [root] : [authority, root];
  }
  throw new Error("issued by nobody known");
}
