import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isFree } from "@vcc-pki/suite-tool";
import { findFreePort } from "../free-port.ts";
import { REQUEST_TYPE } from "../ocsp-questions.ts";
import { measureWrk, type WrkFigures, type WrkOptions } from "../wrk.ts";

const LOG_LEVEL_ERROR = "3";
const START_TIMEOUT_MS = 10_000;

/** `cfssl ocspserve` (Debian package golang-cfssl) with the same answers, asked the same by POST. Its GET refuses every question that
 *  OpenSSL, curl or wrk send, so there is nothing to compare with. */
export async function measureCfssl(
  questions: readonly Uint8Array[],
  answers: readonly Uint8Array[],
  options: WrkOptions,
): Promise<WrkFigures> {
  const port = await findFreePort();
  const file = join(options.directory, "cfssl.responses");
  writeFileSync(file, answers.map((answer) => `${Buffer.from(answer).toString("base64")}\n`).join(""));
  const words = ["ocspserve", "-loglevel", LOG_LEVEL_ERROR, "-address", "127.0.0.1", "-port", String(port)];
  const child = spawn("cfssl", [...words, "-responses", file], { stdio: "ignore" });
  const ended = once(child, "exit");
  try {
    const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
    while (await isFree("127.0.0.1", port)) {
      if (child.exitCode !== null) throw new Error("cfssl ocspserve did not start");
      await sleep(50, undefined, { signal: deadline });
    }
    await requireAnswer(port, questions[0] ?? new Uint8Array(), answers[0] ?? new Uint8Array());
    return await measureWrk(
      { port, questions: { method: "POST", path: "/", type: REQUEST_TYPE, bodies: questions } },
      options,
    );
  } finally {
    child.kill();
    await ended;
  }
}

/** It answers 200 as well when it knows nothing. */
async function requireAnswer(port: number, question: Uint8Array, expected: Uint8Array): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: Buffer.from(question) });
  const answer = Buffer.from(await response.arrayBuffer());
  if (!answer.equals(expected)) throw new Error("cfssl ocspserve does not give the answers it was given");
}
