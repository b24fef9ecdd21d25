import { join } from "node:path";
import { type Suite, startSuite } from "@vcc-pki/suite-tool";
import type { BenchContext } from "./bench.ts";
import { buildCsrPool } from "./csr-pool.ts";
import { type Prefill, prefillCertificates } from "./prefill.ts";
import { createTenant, dnsNameOf, ORGANISATION, openTenant, PROFILE, type Tenant } from "./tenant.ts";

export interface Filled {
  readonly suite: Suite;
  readonly tenant: Tenant;
}

export type Filling = Pick<Prefill, "count" | "spacingMs" | "revokedEvery" | "stored">;

/** A suite on a home of its own whose ca holds so many certificates of the P-256 authority. */
export async function startFilled(context: BenchContext, name: string, filling: Filling): Promise<Filled> {
  const home = await fillHome(context, name, filling);
  const suite = await startSuite(home);
  return { suite, tenant: openTenant(suite) };
}

/** The home of a suite, not running, whose ca holds so many certificates of the P-256 authority. */
export async function fillHome(
  { workDirectory, progress }: BenchContext,
  name: string,
  filling: Filling,
): Promise<string> {
  const home = join(workDirectory, name);
  progress(`starting the ${name} suite`);
  const empty = await startSuite(home);
  let pattern: Uint8Array;
  let authorityId: string;
  try {
    const tenant = await createTenant(empty);
    authorityId = tenant.authorityIds.p256;
    const [csr = new Uint8Array()] = buildCsrPool(1, dnsNameOf);
    pattern = await tenant.issue(csr, authorityId);
  } finally {
    await empty.stop();
  }
  await prefillCertificates(
    { ...filling, home, pattern, authorityId, dnsNameOf, organisation: ORGANISATION, profile: PROFILE },
    (done) => done % 100_000 === 0 && progress(`stored ${done.toLocaleString("en-US")} certificates`),
  );
  return home;
}
