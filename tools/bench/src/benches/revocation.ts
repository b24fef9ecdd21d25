import { randomUUIDv7 } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { RevocationReason } from "@vcc-pki/proto/ca";
import { type Suite, startSuite } from "@vcc-pki/suite-tool";
import { systemClock } from "@vcc-pki/time";
import { type Certificate, parseCertificate } from "@vcc-pki/x509";
import type { Bench, BenchContext, Figure } from "../bench.ts";
import { answersAhead, issuerOf, questionAbout } from "../ocsp-questions.ts";
import { percentile, spreadOf } from "../statistics.ts";
import { AS_OPERATOR, createTenant, issueMany, ORGANISATION, type Tenant } from "../tenant.ts";
import { Visibility } from "../visibility.ts";

const BURST = 1_000;
const BULK = 10_000;
const BULK_IN_FLIGHT = 64;
const ALONE = 50;
const SETTLE_MS = 2_000;

/** From the revocation of a certificate, over gRPC at the ca, to the first "revoked" that the ocsp service answers over HTTP: one at a
 *  time, a thousand at once, ten thousand in bulk. Who asks shares the machine, so the polling counts against the suite. */
export const revocation: Bench = {
  name: "revocation",
  summary: 'from revocation to OCSP\'s first "revoked": alone, 1,000 in a burst, 10,000 in bulk',
  async run(context) {
    const { workDirectory, progress, runs } = context;
    progress("starting a suite");
    const suite = await startSuite(workDirectory);
    try {
      const tenant = await createTenant(suite);
      const issuer = await issuerOf(suite, tenant.authorityIds.p256);
      const measured: Measured[] = [];
      for (let run = 1; run <= runs; run++) {
        progress(`run ${run} of ${runs}`);
        measured.push(await measureRun(context, { suite, tenant, issuer }));
      }
      return figuresOf(measured);
    } finally {
      await suite.stop();
    }
  },
};

interface Subject {
  readonly suite: Suite;
  readonly tenant: Tenant;
  readonly issuer: Certificate;
}

/** A certificate that is good, and the octets that say so. */
interface Good {
  readonly certificate: Certificate;
  readonly answer: Buffer;
}

interface Seen {
  readonly sinceRequestMs: number;
  readonly sinceAcknowledgedMs: number;
}

interface Measured {
  readonly alone: readonly Seen[];
  readonly burst: readonly Seen[];
  readonly bulkMs: number;
  /** Until the last of them was acknowledged. */
  readonly bulkAcknowledgedMs: number;
}

async function measureRun({ progress }: BenchContext, subject: Subject): Promise<Measured> {
  const { suite, tenant, issuer } = subject;
  progress("issuing certificates and waiting for their answers");
  const goods = await issueGood(subject, ALONE + BURST + BULK);
  const visibility = await Visibility.open(suite, tenant.authorityIds.p256, issuer, systemClock);
  try {
    const alone: Seen[] = [];
    for (const good of goods.slice(0, ALONE)) alone.push(await revokeAndSee(tenant, visibility, good));
    await sleep(SETTLE_MS);
    progress("revoking a burst");
    const burst = await Promise.all(
      goods.slice(ALONE, ALONE + BURST).map((good) => revokeAndSee(tenant, visibility, good)),
    );
    await sleep(SETTLE_MS);
    progress("revoking in bulk");
    return { alone, burst, ...(await revokeBulk(tenant, visibility, goods.slice(ALONE + BURST))) };
  } finally {
    visibility.close();
  }
}

async function issueGood({ suite, tenant, issuer }: Subject, count: number): Promise<Good[]> {
  const authorityId = tenant.authorityIds.p256;
  const certificates = (await issueMany(tenant, authorityId, count)).map((der) => parseCertificate(der));
  const questions = certificates.map(({ serial }) => questionAbout(issuer, serial));
  const answers = await answersAhead(suite, authorityId, questions);
  return certificates.map((certificate, i) => ({ certificate, answer: answers[i] ?? Buffer.of() }));
}

async function revokeAndSee(tenant: Tenant, visibility: Visibility, { certificate, answer }: Good): Promise<Seen> {
  const requestedAt = systemClock.monotonicMs();
  await revoke(tenant, certificate);
  const acknowledgedAt = systemClock.monotonicMs();
  const seenAt = await visibility.seen(certificate.serial, answer);
  return { sinceRequestMs: seenAt - requestedAt, sinceAcknowledgedMs: seenAt - acknowledgedAt };
}

async function revokeBulk(
  tenant: Tenant,
  visibility: Visibility,
  goods: readonly Good[],
): Promise<Pick<Measured, "bulkMs" | "bulkAcknowledgedMs">> {
  const startedAt = systemClock.monotonicMs();
  const seen: Promise<number>[] = [];
  let next = 0;
  const work = async () => {
    for (let good = goods[next++]; good !== undefined; good = goods[next++]) {
      await revoke(tenant, good.certificate);
      seen.push(visibility.seen(good.certificate.serial, good.answer));
    }
  };
  await Promise.all(Array.from({ length: BULK_IN_FLIGHT }, work));
  const bulkAcknowledgedMs = systemClock.monotonicMs() - startedAt;
  const seenAt = await Promise.all(seen);
  return { bulkAcknowledgedMs, bulkMs: seenAt.reduce((last, each) => Math.max(last, each), 0) - startedAt };
}

const revoke = ({ certificates, authorityIds }: Tenant, { serialHex }: Certificate): Promise<unknown> =>
  certificates.revoke(
    {
      ...{ requestId: randomUUIDv7(), organisation: ORGANISATION, certificateId: `${authorityIds.p256}:${serialHex}` },
      ...{ reason: RevocationReason.SUPERSEDED, invalidityDate: undefined },
    },
    AS_OPERATOR,
  );

function figuresOf(measured: readonly Measured[]): Figure[] {
  const share = (seen: (each: Measured) => readonly number[], part: number) =>
    measured.map((each) => percentile(Float64Array.from(seen(each)).sort(), part));
  const aloneMs = share(({ alone }) => alone.map(({ sinceRequestMs }) => sinceRequestMs), 0.5);
  const sinceRequest = ({ burst }: Measured) => burst.map(({ sinceRequestMs }) => sinceRequestMs);
  const sinceAcknowledged = ({ burst }: Measured) => burst.map(({ sinceAcknowledgedMs }) => sinceAcknowledgedMs);
  const second = {
    target: { atMost: 1_000 },
    baselines: [{ name: "alone, p50, ms", value: spreadOf(aloneMs).median }],
  };
  return [
    { name: "alone, from request, p50", unit: "ms", values: aloneMs },
    { name: "burst of 1,000, from acknowledgement, p50", unit: "ms", values: share(sinceAcknowledged, 0.5) },
    {
      name: "burst of 1,000, from acknowledgement, p99",
      unit: "ms",
      values: share(sinceAcknowledged, 0.99),
      ...second,
    },
    { name: "burst of 1,000, from request, p50", unit: "ms", values: share(sinceRequest, 0.5) },
    { name: "burst of 1,000, from request, p99", unit: "ms", values: share(sinceRequest, 0.99), ...second },
    {
      ...{ name: "10,000 in bulk, until the last is revoked at OCSP", unit: "s", target: { atMost: 30 } },
      values: measured.map(({ bulkMs }) => bulkMs / 1_000),
      baselines: [
        {
          name: "until the last is acknowledged, s",
          value: spreadOf(measured.map(({ bulkAcknowledgedMs }) => bulkAcknowledgedMs / 1_000)).median,
        },
      ],
    },
  ];
}
