import { newOcsp, type OcspHarness } from "@vcc-pki/ocsp/harness";
import { RevocationReason } from "@vcc-pki/proto/ca";
import type { Certificate } from "@vcc-pki/x509";
import type { SpecimenClass } from "../examine.ts";
import type { SpecimenFiles } from "../specimen-files.ts";
import { askEverything } from "./live-answers.ts";
import {
  fetchLists,
  LIVE_AUTHORITIES,
  type LiveLists,
  listSpecimens,
  pathWithLists,
  requireFeatures,
} from "./live-lists.ts";
import { signRootLists } from "./root-lists.ts";
import { ShiftedClock } from "./shifted-clock.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The first of the root's lists is in force for 60 days, so that today it is the second's turn. */
const ROOT_LISTS = { underQuorumValidity: "90d" } as const;
const SIGNED_AHEAD_MS = 70 * DAY_MS;
/** The ca's clock is behind ours by so much, for the seconds that pass at once until everything is signed. */
const LEAD_MS = 60_000;
const SHARDS = 2;

/** The certificates that the lists and answers are about. */
export interface LiveCast {
  /** One for each shard of vcc-services-ca. */
  readonly good: readonly Certificate[];
  readonly revoked: Certificate;
  /** Since the last full list. */
  readonly justRevoked: Certificate;
  readonly held: Certificate;
  /** It is still on the full list, and taken off by the delta list. */
  readonly released: Certificate;
  readonly signer: Certificate;
  readonly revokedSigner: Certificate;
}

/** What the real ocsp service serves over HTTP, with the real ca and hsm-gateway behind it: lists with shards, deltas, holds and releases,
 *  the root's lists signed ahead, and answers of every kind, signed ahead and on demand. */
export async function buildLiveSpecimens(files: SpecimenFiles): Promise<SpecimenClass[]> {
  const clock = new ShiftedClock();
  clock.offsetMs = -SIGNED_AHEAD_MS;
  const [, ...authorities] = LIVE_AUTHORITIES;
  const suite = await newOcsp({
    ...{ clock, authorities: [...authorities, "vcc-platform-ca"] },
    // Judging everything may take longer than the five minutes that an answer about a number nobody issued is good for.
    config: { answers: { hashes: ["sha1", "sha256"], neverIssuedValidity: "1h" } },
    ca: { publicBaseUrl: "http://127.0.0.1:8081", crl: { ...ROOT_LISTS, shards: { "vcc-services-ca": SHARDS } } },
  });
  try {
    await signRootLists(suite.ca, 3);
    clock.advance(SIGNED_AHEAD_MS - LEAD_MS);
    await signAndServe(suite);
    const cast = await castOf(suite);
    await signAndServe(suite);
    const before = await fetchLists(suite, files, "before");
    await change(suite, cast);
    await signAndServe(suite);
    const after = await fetchLists(suite, files, "after");
    const lists = listSpecimens(files, [before, after]);
    requireFeatures(lists);
    return [
      { name: "lists as served", sound: true, specimens: lists },
      {
        name: "certificates with lists as served",
        sound: true,
        specimens: await validPaths(suite, files, cast, after, before),
      },
      { name: "answers as served", sound: true, specimens: await askEverything(suite, files, cast) },
      {
        name: "revoked by lists as served",
        sound: false,
        specimens: await revokedPaths(suite, files, cast, after, before),
      },
    ];
  } finally {
    await suite.close();
  }
}

/** Has the ca sign what is due, and the ocsp fetch it. */
async function signAndServe(suite: OcspHarness): Promise<void> {
  suite.clock.advance(2_000);
  await suite.ca.ca.runChores();
  await suite.ocsp.refresh();
}

const administrator = (name: string) => ({
  ...{ profile: "admin", organisation: "vcc" },
  names: { uri: [`spiffe://vcc.internal/org/vcc/admin/${name}`] },
});

async function castOf(suite: OcspHarness): Promise<LiveCast> {
  const good: Certificate[] = [];
  for (let shard = 0; shard < SHARDS; shard++) {
    let certificate: Certificate;
    do certificate = await suite.issue();
    while (!certificate.crlDistributionPoints[0]?.endsWith(`/${shard}.crl`));
    good.push(certificate);
  }
  const cast = {
    ...{ good, revoked: await suite.issue(), justRevoked: await suite.issue() },
    held: await suite.issue(administrator("anna")),
    released: await suite.issue(administrator("berta")),
    signer: await suite.issue({ profile: "code_signing" }),
    revokedSigner: await suite.issue({ profile: "code_signing" }),
  };
  await suite.revoke(cast.revoked, RevocationReason.SUPERSEDED);
  await suite.revoke(
    cast.revokedSigner,
    RevocationReason.KEY_COMPROMISE,
    new Date(suite.clock.now().getTime() - HOUR_MS),
  );
  for (const certificate of [cast.held, cast.released])
    await suite.revoke(certificate, RevocationReason.CERTIFICATE_HOLD);
  return cast;
}

async function change(suite: OcspHarness, { released, justRevoked }: LiveCast): Promise<void> {
  await suite.release(released);
  await suite.revoke(justRevoked, RevocationReason.CESSATION_OF_OPERATION);
}

/** With the newest lists, with full lists alone, and with older full lists and the newest delta lists. */
async function validPaths(
  suite: OcspHarness,
  files: SpecimenFiles,
  { good, released, signer }: LiveCast,
  after: LiveLists,
  before: LiveLists,
) {
  const of = pathWithLists(suite, files);
  return Promise.all([
    ...good.flatMap((certificate, shard) => [
      of(`good in shard ${shard}, full and delta lists`, certificate, after.full, after.deltas),
      of(`good in shard ${shard}, full lists`, certificate, after.full),
      of(`good in shard ${shard}, older full lists and delta lists`, certificate, before.full, after.deltas),
    ]),
    of("released, full lists", released, after.full),
    of("released, taken off by the delta list", released, before.full, after.deltas),
    of("signer, full and delta lists", signer, after.full, after.deltas),
    of("signer, full lists", signer, after.full),
  ]);
}

async function revokedPaths(
  suite: OcspHarness,
  files: SpecimenFiles,
  { revoked, justRevoked, held, released, revokedSigner }: LiveCast,
  after: LiveLists,
  before: LiveLists,
) {
  const of = pathWithLists(suite, files);
  return Promise.all([
    of("revoked, full lists", revoked, after.full),
    of("revoked, full and delta lists", revoked, after.full, after.deltas),
    of("revoked since the full list", justRevoked, before.full, after.deltas),
    of("on hold, full lists", held, after.full),
    of("on hold, full and delta lists", held, after.full, after.deltas),
    of("not yet released", released, before.full, before.deltas),
    of("revoked signer, full lists", revokedSigner, after.full),
  ]);
}
