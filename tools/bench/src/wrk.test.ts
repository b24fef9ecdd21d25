import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { missingPrograms } from "./programs.ts";
import { measureWrk, type WrkQuestions } from "./wrk.ts";

const OPTIONS = { connections: 2, warmUpSeconds: 0, measureSeconds: 1, directory: tmpdir() } as const;
const TEN_AND_TEN: WrkQuestions = {
  ...{ method: "PATTERN", path: "/x", type: "text/x", pattern: Buffer.from("<0123456789|0123456789>") },
  random: [
    { offset: 1, length: 10 },
    { offset: 12, length: 10 },
  ],
  answer: { offset: 2, octets: Buffer.from("yes") },
};

let server: Server | undefined;
afterEach(() => server?.close());

/** Answers each question as `answer` says. */
async function start(answer: (body: Buffer, type: string | undefined) => string): Promise<number> {
  server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    response.end(answer(body, request.headers["content-type"]));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

describe.skipIf(missingPrograms(["wrk"]).length > 0)("wrk", () => {
  it("makes every question of a pattern another one, and nothing but the random places differ", async () => {
    const asked: Buffer[] = [];
    const port = await start((body, type) => {
      asked.push(body);
      return type === "text/x" ? "a yes" : "a no";
    });
    const { started } = await measureWrk({ port, questions: TEN_AND_TEN }, OPTIONS);
    expect(started).toBeGreaterThan(10);
    expect(new Set(asked.map((body) => body.toString("hex", 1, 11))).size).toBe(asked.length);
    expect(new Set(asked.map((body) => body.toString("hex", 12, 22))).size).toBe(asked.length);
    const rest = asked.map((body) => [body.length, body.at(0), body.at(11), body.at(22)].join());
    expect(new Set(rest)).toEqual(new Set([[23, ...Buffer.from("<|>")].join()]));
  }, 20_000);

  it("does not take a refusal with status 200 for an answer", async () => {
    let count = 0;
    const port = await start(() => (++count % 10 === 0 ? "a no" : "a yes"));
    await expect(measureWrk({ port, questions: TEN_AND_TEN }, OPTIONS)).rejects.toThrow(
      /0 failed and [1-9]\d* were refused/,
    );
  }, 20_000);
});
