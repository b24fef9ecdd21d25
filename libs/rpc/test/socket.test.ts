import { mkdtempSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, type Metadata, type ServiceError } from "@grpc/grpc-js";
import { PkiError } from "@vcc-pki/errors";
import { silentLogger } from "@vcc-pki/telemetry";
import { describe, expect, it, onTestFinished } from "vitest";
import { type SocketHandlers, serveSocket } from "../src/index.ts";
import { EchoDefinition, text } from "./echo.ts";

const { fullName, methods, name } = EchoDefinition;
const definition = { name, fullName, methods: { say: methods.say, chat: methods.chat } } as const;

/** A server on a socket, and a client of grpc-js's own. */
async function newServer(overrides: Partial<SocketHandlers<typeof definition>> = {}, mode = 0o600) {
  const path = join(mkdtempSync(join(tmpdir(), "vcc-rpc-socket-")), "sock");
  const handlers: SocketHandlers<typeof definition> = {
    say: async ({ service }) => {
      if (service === "fail") throw new PkiError("NOT_FOUND", "there is none");
      if (service === "crash") throw new Error("PIN 1234");
      return text(service);
    },
    async *chat(messages) {
      for await (const { service } of messages) yield text(service.toUpperCase());
    },
    ...overrides,
  };
  const server = await serveSocket({ path, mode, definition, handlers, log: silentLogger });
  const client = new Client(`unix:${path}`, credentials.createInsecure());
  onTestFinished(() => {
    client.close();
    server.close();
  });
  const say = (bytes: Buffer) =>
    new Promise<string>((resolve, reject) => {
      client.makeUnaryRequest(`/${fullName}/Say`, same, same, bytes, (error: ServiceError | null, answer?: Buffer) =>
        error ? reject(error) : resolve(methods.say.responseType.decode(answer ?? Buffer.alloc(0)).service),
      );
    });
  return { path, server, client, say };
}

const same = (bytes: Buffer): Buffer => bytes;
const encoded = (word: string): Buffer => Buffer.from(methods.say.requestType.encode(text(word)).finish());
const codeOf = (error: { code: number; metadata: Metadata }) => [error.code, error.metadata.get("error-code")[0]];

describe("a server on a socket", () => {
  it("answers, and streams both ways", async () => {
    const { client, say } = await newServer();
    expect(await say(encoded("hello"))).toBe("hello");
    const stream = client.makeBidiStreamRequest(`/${fullName}/Chat`, same, same);
    const heard: string[] = [];
    stream.on("data", (bytes: Buffer) => heard.push(methods.chat.responseType.decode(bytes).service));
    const ended = new Promise((resolve) => stream.once("end", resolve));
    for (const word of ["a", "b"]) stream.write(encoded(word));
    stream.end();
    await ended;
    expect(heard).toEqual(["A", "B"]);
  });

  it("is open to whom the mode says, from the first moment", async () => {
    const { path } = await newServer({}, 0o660);
    expect(statSync(path).mode & 0o777).toBe(0o660);
  });

  it("names its refusals and hides its defects", async () => {
    const { say } = await newServer();
    const refused = (bytes: Buffer) => say(bytes).catch((error) => error);
    expect(codeOf(await refused(encoded("fail")))).toEqual([5, "NOT_FOUND"]);
    const defect = await refused(encoded("crash"));
    expect(codeOf(defect)).toEqual([13, "INTERNAL"]);
    expect(defect.details).not.toContain("1234");
    expect(codeOf(await refused(Buffer.from([0x0a, 0xff])))).toEqual([3, "REQUEST_MALFORMED"]);
  });

  it("refuses a message that is too large", async () => {
    const { say } = await newServer();
    const error = await say(encoded("x".repeat(32 * 1024 * 1024))).catch((caught) => caught);
    expect(error.code).toBe(8);
  });

  it("tells a handler that its caller has gone", async () => {
    const gone = Promise.withResolvers<void>();
    const { client } = await newServer({
      async *chat(messages, { signal }) {
        signal.addEventListener("abort", () => gone.resolve());
        for await (const message of messages) yield message;
      },
    });
    const stream = client.makeBidiStreamRequest(`/${fullName}/Chat`, same, same);
    stream.on("error", () => {});
    stream.write(encoded("a"));
    await new Promise((resolve) => stream.once("data", resolve));
    stream.cancel();
    await gone.promise;
  });

  it("takes the place of a socket that nobody serves, and of nothing else", async () => {
    const { path, server } = await newServer();
    server.close();
    const next = await serveSocket({ path, mode: 0o600, definition, handlers: {} as never, log: silentLogger });
    next.close();
    const file = `${path}.txt`;
    writeFileSync(file, "somebody's");
    const onFile = serveSocket({ path: file, mode: 0o600, definition, handlers: {} as never, log: silentLogger });
    await expect(onFile).rejects.toEqual(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  it("cannot be where no directory is", async () => {
    const options = { path: "/dev/null/sock", mode: 0o600, definition, handlers: {} as never, log: silentLogger };
    await expect(serveSocket(options)).rejects.toEqual(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});
