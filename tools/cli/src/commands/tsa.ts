import { PkiError } from "@vcc-pki/errors";
import {
  findStampedHash,
  type HashAlgorithm,
  messageImprintOf,
  parseTimeStampResp,
  type TimeStampResp,
  trustAnchors,
  verifyTimeStampToken,
} from "@vcc-pki/x509";
import { askTsa, refusalText } from "../ask-tsa.ts";
import { EXIT } from "../exit-codes.ts";
import { readInput, requireAbsent, writeWhole } from "../files.ts";
import { hashFile } from "../hash-file.ts";
import { readTrusted } from "../issuer.ts";
import type { Output } from "../session.ts";
import type { Settings } from "../settings.ts";
import { fields, table } from "../table.ts";
import { factFields, factsOf, type TimeStampFacts } from "../time-stamp-facts.ts";
import { UsageError } from "../usage.ts";

export interface StampOptions {
  readonly hash: HashAlgorithm;
  readonly policy?: string;
  readonly url?: string;
  readonly force?: boolean;
}

type Stamped = TimeStampFacts & { readonly file: string; readonly tsr: string };

const responseFile = (file: string): string => `${file}.tsr`;

/** Nothing is sent before every file is read and every place for an answer is free. Those that are stamped are told of, also when a later
 *  one is not. */
export async function stampFiles(files: readonly string[], options: StampOptions, output: Output): Promise<void> {
  const { policy, force } = options;
  const url = options.url ?? output.settings.tsaUrl;
  if (url === undefined) throw new UsageError("--url names the tsa of a suite that is not local");
  const { trust, certificates } = readTrust(output.settings);
  const wanted = [...new Set(files)];
  for (const file of wanted) requireAbsent(responseFile(file), force);
  const imprints: (readonly [string, Buffer])[] = [];
  for (const file of wanted) imprints.push([file, await hashFile(file, options.hash, output)]);

  const stamped: Stamped[] = [];
  try {
    for (const [file, digest] of imprints) {
      const messageImprint = messageImprintOf(options.hash, digest);
      const { responseDer, verification } = await askTsa({ url, messageImprint, policy, trust, certificates });
      const tsr = responseFile(file);
      writeWhole(tsr, responseDer, { force });
      stamped.push({ file, tsr, ...(factsOf(verification) as TimeStampFacts) });
    }
  } finally {
    if (stamped.length > 0) output.result(stamped, () => stamped.map(stampedText).join("\n\n"));
    for (const { file, test_unit } of stamped) noteTest(file, test_unit, output);
  }
}

const stampedText = (stamped: Stamped): string =>
  fields([["file", stamped.file], ["answer", stamped.tsr], ...factFields(stamped)]);

export interface VerifyOptions {
  /** Default: the file's name and ".tsr". */
  readonly tsr?: string;
  readonly policy?: readonly string[];
}

/** Asks nobody. Exit code 3 when a check fails; each is told by its name. */
export async function verifyFile(file: string, options: VerifyOptions, output: Output): Promise<void> {
  const tsr = options.tsr ?? responseFile(file);
  const { trust, certificates } = readTrust(output.settings);
  const tokenDer = tokenIn(new Uint8Array(readInput(tsr)), tsr);
  const hash = findStampedHash(tokenDer) ?? "sha256";
  const digest = await hashFile(file, hash, output);
  const verification = verifyTimeStampToken(tokenDer, {
    ...{ messageImprint: { hash, digest }, trust, certificates },
    policies: options.policy,
  });
  const { ok, checks } = verification;
  const facts = factsOf(verification);
  if (!ok) output.conclude(EXIT.refused);
  output.result({ file, tsr, ok, ...facts, checks, revocation: "not_checked" }, () => {
    const rows = checks.map(({ name, ok: holds, reason = "" }) => [name, holds ? "holds" : "fails", reason]);
    const verdict = output.io.paint(ok ? "green" : "red", ok ? "holds" : "does not hold");
    const head = fields([["file", file], ["answer", tsr], ...(facts ? factFields(facts) : [])]);
    const list = table(["check", "result", "reason"], [...rows, ["revocation", "-", "not looked at: offline"]], "");
    return `time stamp ${verdict}\n${head}\n\n${list}`;
  });
  noteTest(file, facts?.test_unit === true, output);
}

/** Our roots, with the suite's own authorities to stand in between. */
function readTrust(settings: Settings) {
  const { roots, bundle } = readTrusted(settings);
  return { trust: trustAnchors({ anchors: roots, intermediates: bundle }), certificates: bundle };
}

/** A TimeStampResp as we write it, or the bare token that others keep. What is neither fails the checks. Throws DER_MALFORMED for a
 *  response without a token. */
function tokenIn(der: Uint8Array, file: string): Uint8Array {
  let response: TimeStampResp;
  try {
    response = parseTimeStampResp(der);
  } catch (error) {
    if (error instanceof PkiError) return der;
    throw error;
  }
  if (response.tokenDer !== undefined) return response.tokenDer;
  throw new PkiError("DER_MALFORMED", `${file} holds a refusal, no time stamp: ${refusalText(response)}`);
}

function noteTest(file: string, isTest: boolean, output: Output): void {
  if (isTest) output.note(`${file}: stamped by a unit for trying out (test); its time proves nothing`);
}
