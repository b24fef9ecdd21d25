import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { PkiError } from "@vcc-pki/errors";
import { describe, expect, it } from "vitest";
import {
  currentTraceId,
  extractContext,
  inCurrentContext,
  injectContext,
  startTelemetry,
  withContext,
  withSpan,
} from "./index.ts";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";

describe("tracing without a collector", () => {
  const { tracer } = startTelemetry({ service: "test" });

  it("makes trace ids and passes them on, but records nothing", async () => {
    await withSpan(tracer, "work", {}, async (span) => {
      expect(span.isRecording()).toBe(false);
      await sleep(1);
      expect(injectContext()).toEqual({ traceparent: `00-${currentTraceId()}-${span.spanContext().spanId}-00` });
    });
    expect(currentTraceId()).toBeUndefined();
    expect(injectContext()).toEqual({});
  });

  it("continues the trace of a peer", async () => {
    await withContext({ traceparent: TRACEPARENT }, () =>
      withSpan(tracer, "work", {}, () => expect(injectContext().traceparent).toContain(TRACE_ID)),
    );
  });

  it.each([undefined, "", "nonsense", TRACEPARENT.replace(TRACE_ID, "0".repeat(32))])(
    "starts afresh for traceparent %j",
    (traceparent) => {
      expect(withContext({ traceparent }, () => currentTraceId())).toBeUndefined();
      expect(extractContext({ traceparent })).toBeDefined();
    },
  );

  it("lets work that is run later, among others, keep its own trace", () => {
    const mine = withContext({ traceparent: TRACEPARENT }, () => inCurrentContext(currentTraceId));
    const nobodys = inCurrentContext(currentTraceId);
    expect(mine()).toBe(TRACE_ID);
    expect(withContext({ traceparent: TRACEPARENT }, nobodys)).toBeUndefined();
  });
});

describe("tracing to a collector", () => {
  it("sends spans over OTLP, failed ones with the error's code", async () => {
    const { url, requests, close } = await startCollector();
    const { tracer, shutdown } = startTelemetry({ service: "ca", otlpEndpoint: `${url}/` });
    await withContext({ traceparent: TRACEPARENT }, () => withSpan(tracer, "issue", { profile: "mtls" }, () => {}));
    const failing = withSpan(tracer, "sign", {}, () => {
      throw new PkiError("HSM_UNAVAILABLE", "the token is gone");
    });
    await expect(failing).rejects.toMatchObject({ code: "HSM_UNAVAILABLE" });
    await shutdown();
    await close();

    expect(requests[0]?.path).toBe("/v1/traces");
    const [resource] = requests[0]?.body.resourceSpans ?? [];
    expect(resource?.resource.attributes).toContainEqual({ key: "service.name", value: { stringValue: "ca" } });
    const [issue, sign] = resource?.scopeSpans[0]?.spans ?? [];
    expect(issue).toMatchObject({ name: "issue", traceId: TRACE_ID });
    expect(sign).toMatchObject({
      ...{ name: "sign", status: { code: 2 } },
      attributes: [{ key: "error.type", value: { stringValue: "HSM_UNAVAILABLE" } }],
    });
  });
});

interface Spans {
  resourceSpans: { resource: { attributes: unknown[] }; scopeSpans: { spans: unknown[] }[] }[];
}

async function startCollector() {
  const requests: { path?: string; body: Spans }[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    requests.push({ path: request.url, body: JSON.parse(Buffer.concat(chunks).toString()) });
    response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, requests, close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()) };
}
