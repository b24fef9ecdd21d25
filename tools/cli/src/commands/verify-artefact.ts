import { join } from "node:path";
import type { ArtefactTrust, ArtefactVerification, Digest, TrustPolicy } from "@vcc-pki/artefact";
import {
  cacheDirectory,
  isModel,
  KeptAnswers,
  readTrustPolicy,
  type VerifiedArtefact,
  verifyArtefact,
  verifyDigest,
} from "@vcc-pki/client";
import { EXIT } from "../exit-codes.ts";
import { hashingOf } from "../hashing-progress.ts";
import { readTrusted } from "../issuer.ts";
import { localTrustPolicy } from "../local-trust-policy.ts";
import type { Output } from "../session.ts";
import { fields, table } from "../table.ts";
import { UsageError } from "../usage.ts";
import { type Language, WORDS } from "../verdict-words.ts";
import { noteFlagged } from "./manifest.ts";

export interface VerifyArtefactOptions {
  readonly package?: string;
  readonly model?: string;
  readonly digest?: Digest;
  readonly trustPolicy?: string;
  /** Roots, in place of those of --ca. */
  readonly trust?: string;
  readonly signature?: string;
  readonly copyTo?: string;
  readonly baseModel?: Digest;
  readonly lang: Language;
  /** Where the signing service has its recall lists. */
  readonly recalls?: string;
  readonly online: boolean;
  readonly cache: boolean;
  readonly graceMs: number;
}

/** Verifies an artefact on this machine; its files go nowhere. Exit code 3 when something does not hold; each thing that is looked at is
 *  told by its name. */
export async function verify(options: VerifyArtefactOptions, output: Output): Promise<void> {
  const { path, result } = await verified(options, output);
  if (!result.ok) output.conclude(EXIT.refused);
  output.result(asJson(path, result, options), () => asText(path, result, options, output));
  if (options.online) for (const { url, message } of result.problems) output.note(`not known: ${url}: ${message}`);
  noteFlagged(result.flagged, output);
}

type Verified = ArtefactVerification & Pick<VerifiedArtefact, "flagged" | "problems">;

async function verified(
  options: VerifyArtefactOptions,
  output: Output,
): Promise<{ readonly path: string; readonly result: Verified }> {
  const { package: packaged, model, digest, signature, copyTo, baseModel, graceMs } = options;
  const [path, second] = [packaged, model, digest].filter((each) => each !== undefined);
  if (path === undefined || second !== undefined) throw new UsageError("name one: --package, --model or --digest");
  const { clock, env } = output.io;
  const kept = new KeptAnswers(join(cacheDirectory(env), "statements"), clock, { isOffline: !options.online });
  const recallUrl = options.recalls ?? output.settings.recallsUrl;
  const asked = {
    ...{ clock, ...readTrust(options, output), online: { kept, graceMs, recallUrl } },
    expected: { ...(baseModel && { baseModel }) },
  };
  if (digest !== undefined) {
    if (signature === undefined || copyTo !== undefined)
      throw new UsageError("--digest needs --signature, and is no copy");
    return { path, result: { ...(await verifyDigest(digest, signature, asked)), flagged: [] } };
  }
  const result = await hashingOf(path, output, (onProgress) =>
    verifyArtefact(path, {
      ...{ ...asked, onProgress, signatureFile: signature, copyTo },
      remember: options.cache ? undefined : false,
    }),
  );
  return { path, result };
}

/** The policy as it is written, or for a local suite one that believes its code signing authority about this organisation's services. */
function readTrust(
  options: VerifyArtefactOptions,
  { settings }: Output,
): { trust: ArtefactTrust; policy: TrustPolicy } {
  const { roots, bundle } = readTrusted({ ...settings, caFile: options.trust ?? settings.caFile });
  const policy =
    options.trustPolicy === undefined
      ? localTrustPolicy(bundle, { organisation: settings.organisation, isOnline: options.online })
      : readTrustPolicy(options.trustPolicy);
  const types = options.model === undefined ? policy.types : policy.types.filter(isModel);
  return {
    trust: { anchors: roots, timeStampAnchors: roots, intermediates: bundle },
    policy: { ...policy, types, recall: recallRule(policy, options) },
  };
}

/** Whoever names the lists wants them to count, whatever the policy says; those of a local suite are required by who is online. */
function recallRule({ recall }: TrustPolicy, { recalls, online }: VerifyArtefactOptions): TrustPolicy["recall"] {
  if (recalls !== undefined) return "required";
  return recall ?? (online ? undefined : "where-known");
}

const asJson = (path: string, result: Verified, { copyTo, online }: VerifyArtefactOptions) => ({
  ...{ path, ok: result.ok },
  ...(result.ok
    ? {
        ...{ facts: result.facts, artefact_digest: result.artefactDigest, signed_by: result.signer.uri },
        ...{ signed_at: result.signedAt.toISOString(), copied_to: copyTo },
      }
    : {}),
  checks: result.verdicts,
  flagged: result.flagged,
  revocation: { asked: online, not_known: result.problems },
});

function asText(path: string, result: Verified, { lang, copyTo }: VerifyArtefactOptions, { io }: Output): string {
  const words = WORDS[lang];
  const verdict = io.paint(result.ok ? "green" : "red", result.ok ? words.holds : words.doesNotHold);
  const facts = result.ok ? result.facts : undefined;
  const head = fields([
    [words.artefact, facts ? [facts.type, facts.name, facts.version ?? ""].join(" ").trim() : path],
    ...(result.ok
      ? ([
          [words.digest, result.artefactDigest],
          [words.signedBy, result.signer.uri],
          [words.signedAt, result.signedAt.toISOString()],
          [words.copy, copyTo],
        ] as const)
      : []),
  ]);
  const rows = result.verdicts.map(({ name, ok, isWaived, code = "", reason, detail }) => {
    const why = [reason?.[lang], detail && `(${detail})`].filter(Boolean).join(" ");
    return [name, isWaived ? words.waived : ok ? words.yes : words.no, code, why];
  });
  return `${verdict}\n${head}\n\n${table([words.check, words.result, words.code, words.reason], rows, "")}`;
}
