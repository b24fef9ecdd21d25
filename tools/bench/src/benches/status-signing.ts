import { randomUUIDv7 } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CrlServiceDefinition, type PublishCrlRequest } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import { type Suite, startSuite } from "@vcc-pki/suite-tool";
import { systemClock } from "@vcc-pki/time";
import { parseCertificateList } from "@vcc-pki/x509";
import { measureOpensslCrl } from "../baselines/openssl-crl.ts";
import { measureToken } from "../baselines/token.ts";
import type { Bench, BenchContext, Figure } from "../bench.ts";
import { fillHome, startFilled } from "../filled-suite.ts";
import { answersAhead, issuerOf, ocspSettled, questionAbout, signedSoMany } from "../ocsp-questions.ts";
import { processAgeMs } from "../process-age.ts";
import { spreadOf } from "../statistics.ts";
import { AS_OPERATOR, openTenant, type Tenant } from "../tenant.ts";

const COUNT = 100_000;
/** None has expired. */
const SPACING_MS = 60_000;
/** One answer in so many is looked at to see that all have been signed. */
const LOOKED_AT_EVERY = 20;
const POLL_MS = 50;
const SETTLE_MS = 5_000;

/** What is signed in quantity: the answers about 100,000 certificates, ahead, and a list of as many revoked ones. */
export const statusSigning: Bench = {
  name: "status-signing",
  summary: "100,000 OCSP answers signed ahead; a revocation list of 100,000 entries",
  async run(context) {
    return [...(await measureAnswers(context)), ...(await measureLists(context))];
  },
};

/** A new ocsp service, with an empty database, copies the status of 100,000 certificates from the ca, has itself certified and signs an
 *  answer about each. Counted from the start of its process. */
async function measureAnswers(context: BenchContext): Promise<Figure[]> {
  const { runs, progress } = context;
  const serials: Uint8Array[] = [];
  const stored = (serial: Uint8Array, index: number) => {
    if (index % LOOKED_AT_EVERY === 0) serials.push(serial);
  };
  progress("measuring the bare token");
  const token = await measureToken({ copyable: true, clock: systemClock });
  const home = await fillHome(context, "good", {
    count: COUNT,
    spacingMs: SPACING_MS,
    revokedEvery: undefined,
    stored,
  });
  const secondsToSign: number[] = [];
  for (let run = 1; run <= runs; run++) {
    progress(`signing ahead: run ${run} of ${runs}`);
    forgetStatus(home);
    const suite = await startSuite(home);
    try {
      secondsToSign.push((await untilSigned(suite, serials)) / 1_000);
    } finally {
      await suite.stop();
    }
  }
  return [
    {
      ...{ name: "100,000 answers, from the start of an empty ocsp", unit: "s", values: secondsToSign },
      target: { atMost: 20 },
      baselines: [{ name: "signatures alone, bare token, session copy, s", value: COUNT / token }],
    },
  ];
}

/** The ocsp service knows nothing when it starts next. */
function forgetStatus(home: string): void {
  const directory = join(home, "ocsp");
  for (const name of readdirSync(directory)) if (name.startsWith("ocsp.db")) rmSync(join(directory, name));
}

async function untilSigned(suite: Suite, serials: readonly Uint8Array[]): Promise<number> {
  await signedSoMany(suite, COUNT, POLL_MS);
  const { authorityIds } = openTenant(suite);
  const issuer = await issuerOf(suite, authorityIds.p256);
  await answersAhead(
    suite,
    authorityIds.p256,
    serials.map((serial) => questionAbout(issuer, serial)),
  );
  return processAgeMs(suite.pidOf("ocsp"));
}

async function measureLists(context: BenchContext): Promise<Figure[]> {
  const { runs, workDirectory, progress } = context;
  const { suite, tenant } = await startFilled(context, "revoked", {
    ...{ count: COUNT, spacingMs: SPACING_MS, revokedEvery: 1 },
  });
  try {
    progress("waiting for the ocsp service to have signed what is revoked");
    await ocspSettled(suite);
    const listMs: number[] = [];
    const longestWaitMs: number[] = [];
    const openssl: number[] = [];
    for (let run = 1; run <= runs; run++) {
      progress(`list: run ${run} of ${runs}`);
      listMs.push(await measureList(suite, tenant));
      await sleep(SETTLE_MS);
      longestWaitMs.push(await measureWait(suite, tenant));
      openssl.push(measureOpensslCrl(workDirectory, systemClock, COUNT));
      await sleep(SETTLE_MS);
    }
    return [
      {
        ...{ name: "list of 100,000 entries, from request to signed list", unit: "ms", target: { atMost: 1_000 } },
        values: listMs,
        baselines: [{ name: "openssl ca -gencrl, ms", value: spreadOf(openssl).median }],
      },
      {
        ...{ name: "list of 100,000 entries, longest wait at the ca meanwhile", unit: "ms" },
        values: longestWaitMs,
      },
    ];
  } finally {
    await suite.stop();
  }
}

async function measureList(suite: Suite, { authorityIds }: Tenant): Promise<number> {
  const crls = suite.connect(CrlServiceDefinition, "ca", "gateway");
  const request = { requestId: randomUUIDv7(), organisation: "vcc", authorityId: authorityIds.p256, ahead: 0 };
  const { crlDer, ms } = await publishTimed(crls, request);
  const { revokedCount } = parseCertificateList(crlDer);
  if (revokedCount < COUNT) throw new Error(`the list has ${revokedCount} entries`);
  return ms;
}

/** Longest that the ca leaves a small request waiting while it makes another list. Asking again and again takes its time too. */
async function measureWait(suite: Suite, tenant: Tenant): Promise<number> {
  const over = new AbortController();
  const probing = longestWait(suite.healthPortOf("ca"), over.signal);
  await measureList(suite, tenant).finally(() => over.abort());
  return probing;
}

async function publishTimed(crls: Remote<typeof CrlServiceDefinition>, request: PublishCrlRequest) {
  const startedAt = systemClock.monotonicMs();
  const { crlDer } = await crls.publish(request, AS_OPERATOR);
  return { crlDer, ms: systemClock.monotonicMs() - startedAt };
}

async function longestWait(healthPort: number, over: AbortSignal): Promise<number> {
  let longest = 0;
  while (!over.aborted) {
    const askedAt = systemClock.monotonicMs();
    await (await fetch(`http://127.0.0.1:${healthPort}/healthz`)).arrayBuffer();
    longest = Math.max(longest, systemClock.monotonicMs() - askedAt);
    await sleep(1);
  }
  return longest;
}
