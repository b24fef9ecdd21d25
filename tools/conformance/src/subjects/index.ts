import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RevocationReason } from "@vcc-pki/proto/ca";
import type { SpecimenClass } from "../examine.ts";
import { openSpecimenFiles, type SpecimenFiles } from "../specimen-files.ts";
import { buildAttestations } from "./attestations.ts";
import { buildCorruptedCertificates, buildCorruptedCrls } from "./corrupted.ts";
import { buildCorruptedOcspResponses } from "./corrupted-ocsp.ts";
import { buildCorruptedArtefacts, buildCorruptedSignatures } from "./corrupted-signatures.ts";
import { buildCorruptedTimeStamps } from "./corrupted-time-stamps.ts";
import { getCrl, publishCrl, revoke, revokeForEveryReason } from "./crls.ts";
import { AUTHORITY_KEYS, authorityOf, issueEveryProfile, issueService, prepareTenants } from "./issue.ts";
import { buildLiveSpecimens } from "./live.ts";
import { buildOcspResponses, castFrom } from "./ocsp.ts";
import { openPaths } from "./paths.ts";
import { PARTNER } from "./profiles.ts";
import { buildShardedModels } from "./sharded-models.ts";
import { ShiftedClock } from "./shifted-clock.ts";
import { buildSignedArtefacts } from "./signed-artefacts.ts";
import { buildSignedBundles } from "./signed-bundles.ts";
import { startIssuingSuite } from "./suite.ts";
import { buildTimeStamps } from "./time-stamps.ts";

const DAY_MS = 86_400_000;
/** Longer than mtls_service and its CRLs are valid, shorter than the root's CRL. */
const LONG_AGO_MS = -200 * DAY_MS;
const SOON_MS = 30 * DAY_MS;
const SERVICES_CA = "vcc-services-ca";

/** Issues everything that the judges are shown, through the real services, and writes it below `directory`. */
export async function issueSpecimens(
  directory: string,
  progress: (message: string) => void,
): Promise<readonly SpecimenClass[]> {
  const files = openSpecimenFiles(directory);
  // One after the other: a process has one token at a time.
  const issued = await issueAfterCeremony(files, progress);
  progress("asking the running services");
  const served = await buildLiveSpecimens(files);
  progress("stamping");
  const stamped = [await buildTimeStamps(files), ...buildCorruptedTimeStamps(files)];
  progress("signing artefacts");
  const signed = [
    await buildSignedArtefacts(files),
    ...buildCorruptedArtefacts(files),
    ...buildCorruptedSignatures(files),
    ...buildSignedBundles(files),
    ...buildShardedModels(files),
    ...buildAttestations(files),
  ];
  return [...issued, ...served, ...stamped, ...signed];
}

async function issueAfterCeremony(
  files: SpecimenFiles,
  progress: (message: string) => void,
): Promise<readonly SpecimenClass[]> {
  const home = await mkdtemp(join(tmpdir(), "vcc-pki-conformance-"));
  const clock = new ShiftedClock();
  clock.offsetMs = LONG_AGO_MS;
  progress("holding the development ceremony");
  const suite = await startIssuingSuite(home, clock);
  try {
    // 1. Long ago: authorities, and what has expired since.
    await prepareTenants(suite);
    const expired = await issueService(suite, "expired certificate");
    const staleCrlDer = (await publishCrl(suite, { organisation: "", authorityId: SERVICES_CA })).crlDer;

    // 2. Today: one of everything.
    clock.offsetMs = 0;
    progress("issuing certificates of every profile");
    const leaves = await issueEveryProfile(suite);
    for (const key of AUTHORITY_KEYS) {
      leaves.push(await issueService(suite, `mtls_service by ${key} authority`, authorityOf(key)));
    }
    await revokeForEveryReason(suite, SERVICES_CA);
    const revoked = await issueService(suite, "revoked certificate");
    await revoke(suite, revoked.certificateId, RevocationReason.KEY_COMPROMISE);
    const doomed = await suite.createAuthority({
      ...{ organisation: "", authorityId: "conformance-doomed-ca", keyAlgorithm: "ec-p256" },
      profiles: ["mtls_service"],
    });
    await suite.revokeAuthority(doomed.authorityId);

    // 3. Lists, signed after all that, and the time of the OCSP answers.
    const answeredAt = clock.now();
    const authorities = await suite.authoritiesOf("", PARTNER);
    const sound = authorities.filter(({ authorityId }) => authorityId !== doomed.authorityId);
    const crls = new Map<string, Uint8Array>();
    for (const authority of sound) {
      const current = authority.parentId === "" ? getCrl : publishCrl;
      crls.set(authority.authorityId, (await current(suite, authority)).crlDer);
    }

    // 4. Some time from now: what is not valid yet.
    clock.offsetMs = SOON_MS;
    const early = await issueService(suite, "certificate from the future");

    const paths = openPaths(files, authorities, crls);
    const cast = castFrom(paths, leaves, answeredAt);
    const special = { expired, revoked, early, doomed, staleCrlDer };
    return [
      { name: "end-entity certificates", sound: true, specimens: leaves.map(paths.ofLeaf) },
      { name: "authority certificates", sound: true, specimens: sound.map(paths.ofAuthority) },
      { name: "issuer-subject pairs", sound: true, specimens: paths.pairs(leaves) },
      { name: "CRLs", sound: true, specimens: paths.crls() },
      { name: "OCSP responses", sound: true, specimens: buildOcspResponses(cast) },
      { name: "corrupted certificates", sound: false, specimens: buildCorruptedCertificates(paths, leaves, special) },
      { name: "corrupted CRLs", sound: false, specimens: buildCorruptedCrls(paths, special) },
      { name: "corrupted OCSP responses", sound: false, specimens: buildCorruptedOcspResponses(cast) },
    ];
  } finally {
    await suite.close();
    await rm(home, { recursive: true, force: true });
  }
}
