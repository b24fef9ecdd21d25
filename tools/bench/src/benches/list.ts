import { CertificateState, type ListCertificatesRequest } from "@vcc-pki/proto/ca";
import { systemClock } from "@vcc-pki/time";
import type { Bench, BenchContext, Figure } from "../bench.ts";
import { buildCsrPool } from "../csr-pool.ts";
import { startFilled } from "../filled-suite.ts";
import { type LoadFigures, measureLoad } from "../load.ts";
import { ocspSettled } from "../ocsp-questions.ts";
import { RARE_PROFILE } from "../prefill.ts";
import { percentile } from "../statistics.ts";
import { AS_OPERATOR, dnsNameOf, ORGANISATION, PROFILE, type Tenant } from "../tenant.ts";

const STORED = { small: 1_000, large: 1_000_000 } as const;
/** A million in a year and a half, two thirds of which have expired; one in so many is revoked. */
const AGES = { spacingMs: 48_000, revokedEvery: 50 } as const;
const CSRS = 512;
const PAGES_PER_RUN = 100;
const WARM_UP_MS = 1_500;
const MEASURE_MS = 4_000;
const FIRST_PAGE_MS = 20;
const DAY_MS = 86_400_000;

/** First pages out of a million certificates by every filter, and whether issuance slows down among them: two suites side by side,
 *  one with a thousand, one with a million, measured in turns. */
export const list: Bench = {
  name: "list",
  summary: "first page among 1,000,000 certificates by each filter; issuance there against 1,000",
  async run(context) {
    const [small, large] = [
      await startFilled(context, "small", { count: STORED.small, ...AGES }),
      await startFilled(context, "large", { count: STORED.large, ...AGES }),
    ];
    try {
      context.progress("waiting for the ocsp service to have copied and signed everything");
      await Promise.all([ocspSettled(small.suite), ocspSettled(large.suite)]);
      const pages = await measurePages(context, large.tenant);
      return [...pages, ...(await measureIssuance(context, small.tenant, large.tenant))];
    } finally {
      await Promise.all([small.suite.stop(), large.suite.stop()]);
    }
  },
};

type Filter = Partial<ListCertificatesRequest>;

const FILTERS: Readonly<Record<string, (tenant: Tenant) => Filter>> = {
  "no filter": () => ({}),
  authority: ({ authorityIds }) => ({ authorityId: authorityIds.p256 }),
  "authority without any": ({ authorityIds }) => ({ authorityId: authorityIds.p384 }),
  profile: () => ({ profile: PROFILE }),
  "rare profile": () => ({ profile: RARE_PROFILE }),
  valid: () => ({ state: CertificateState.VALID }),
  revoked: () => ({ state: CertificateState.REVOKED }),
  expired: () => ({ state: CertificateState.EXPIRED }),
  "exact name": () => ({ name: dnsNameOf(500_000) }),
  "name prefix": () => ({ name: "service-77*" }),
  "name suffix": () => ({ name: "*.bench.test" }),
  "expiring in 30 days": () => ({ expiresBefore: inDays(30), state: CertificateState.VALID }),
  "rare profile, revoked, expiring in 30 days": () => ({
    ...{ profile: RARE_PROFILE, state: CertificateState.REVOKED, expiresBefore: inDays(30) },
  }),
};

const inDays = (days: number): Date => new Date(systemClock.now().getTime() + days * DAY_MS);

async function measurePages({ runs, progress }: BenchContext, tenant: Tenant): Promise<Figure[]> {
  const figures: Figure[] = [];
  const slowest = Array.from({ length: runs }, () => 0);
  for (const [name, filter] of Object.entries(FILTERS)) {
    progress(`first page: ${name}`);
    const values: number[] = [];
    for (let run = 0; run < runs; run++) {
      const { p50Ms, p99Ms } = await measurePage(tenant, filter(tenant));
      values.push(p50Ms);
      slowest[run] = Math.max(slowest[run] ?? 0, p99Ms);
    }
    figures.push({ name: `first page, ${name}, p50`, unit: "ms", values, target: { atMost: FIRST_PAGE_MS } });
  }
  return [...figures, { name: "first page, slowest filter, p99", unit: "ms", values: slowest }];
}

async function measurePage({ certificates }: Tenant, filter: Filter): Promise<{ p50Ms: number; p99Ms: number }> {
  const request: ListCertificatesRequest = {
    ...{ organisation: ORGANISATION, authorityId: "", profile: "", name: "", pageSize: 0, pageToken: "" },
    ...{ state: CertificateState.UNSPECIFIED, expiresBefore: undefined },
    ...filter,
  };
  const latenciesMs: number[] = [];
  for (let page = 0; page < PAGES_PER_RUN; page++) {
    const startedAt = systemClock.monotonicMs();
    await certificates.list(request, AS_OPERATOR);
    latenciesMs.push(systemClock.monotonicMs() - startedAt);
  }
  const sorted = Float64Array.from(latenciesMs).sort();
  return { p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
}

async function measureIssuance({ runs, progress }: BenchContext, small: Tenant, large: Tenant): Promise<Figure[]> {
  const csrs = buildCsrPool(CSRS, dnsNameOf);
  const load = (tenant: Tenant): Promise<LoadFigures> =>
    measureLoad({
      ...{ inFlight: 64, warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS, clock: systemClock },
      operation: (sequence) => tenant.issue(csrs[sequence % CSRS] ?? new Uint8Array(), tenant.authorityIds.p256),
    });
  const rates: { small: number; large: number }[] = [];
  for (let run = 1; run <= runs; run++) {
    progress(`issuance: run ${run} of ${runs}`);
    rates.push({ small: (await load(small)).perSecond, large: (await load(large)).perSecond });
  }
  return [
    { name: "issuance among 1,000", unit: "/s", values: rates.map((rate) => rate.small) },
    { name: "issuance among 1,000,000", unit: "/s", values: rates.map((rate) => rate.large) },
    {
      name: "issuance, 1,000,000 against 1,000",
      unit: "ratio",
      values: rates.map((rate) => rate.large / rate.small),
      target: { atLeast: 0.9 },
    },
  ];
}
