import { connect } from "node:net";
import { z } from "zod";
import type { Readiness } from "./process.ts";

const PROBE_TIMEOUT_MS = 3_000;

const ReadyzAnswer = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.union([z.literal(true), z.string()])),
});

const away = (reason: string): Readiness => ({ ready: false, checks: { process: reason } });

/** Asks `/readyz` of a service of ours. What does not answer, or answers with something else, is not ready. */
export async function probeReadyz(host: string, port: number): Promise<Readiness> {
  try {
    const response = await fetch(`http://${host}:${port}/readyz`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    const answer = ReadyzAnswer.safeParse(await response.json());
    return answer.success ? answer.data : away("the answer of /readyz is not understood");
  } catch {
    return away("does not answer /readyz");
  }
}

const NatsInfo = z.object({ jetstream: z.boolean().default(false), tls_required: z.boolean().default(false) });

/** A NATS server greets with one INFO line before TLS begins. Ready: it has JetStream and insists on TLS. */
export function probeNats(host: string, port: number): Promise<Readiness> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let greeting = "";
    const settle = (readiness: Readiness): void => {
      socket.destroy();
      resolve(readiness);
    };
    socket.setEncoding("utf8").setTimeout(PROBE_TIMEOUT_MS, () => settle(away("does not answer")));
    socket.on("error", () => settle(away("does not answer")));
    socket.on("close", () => resolve(away("closed the connection")));
    socket.on("data", (chunk: string) => {
      greeting += chunk;
      const end = greeting.indexOf("\r\n");
      if (end >= 0) settle(judgeGreeting(greeting.slice(0, end)));
    });
  });
}

function judgeGreeting(line: string): Readiness {
  const info = line.startsWith("INFO ") ? NatsInfo.safeParse(parseJson(line.slice(5))) : undefined;
  if (!info?.success) return away("is not a NATS server");
  const checks = {
    jetstream: info.data.jetstream || "JetStream is off",
    tls: info.data.tls_required || "TLS is not required",
  } as const;
  return { ready: Object.values(checks).every((check) => check === true), checks };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
