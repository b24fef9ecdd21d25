import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createLogger, startTelemetry, withSpan } from "@vcc-pki/telemetry";
import { afterEach, expect, it } from "vitest";
import { connect, type RpcServer, suiteId } from "../src/index.ts";
import { EchoDefinition, text } from "./echo.ts";
import { gateway, SERVER, serveEcho } from "./transports.ts";

const telemetry = startTelemetry({ service: "ca" });
const lines: string[] = [];
const log = createLogger({ service: "ca", level: "info", destination: { write: (line) => void lines.push(line) } });
let server: RpcServer | undefined;
afterEach(async () => {
  await server?.close(0);
  await telemetry.shutdown();
});

async function scrape(): Promise<string> {
  const http = createServer(telemetry.handleMetrics).listen(0, "127.0.0.1");
  await new Promise((resolve) => http.once("listening", resolve));
  const body = await (await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}/metrics`)).text();
  http.close();
  return body;
}

it("carries one trace from caller to handler, counts calls by method and code, and logs a crash once with its trace", async () => {
  const traces: (string | undefined)[] = [];
  server = await serveEcho({ telemetry, log }, { onCall: ({ traceparent }) => void traces.push(traceparent) });
  const address = `127.0.0.1:${server.port}`;
  const remote = connect(EchoDefinition, { address, identity: gateway, expect: SERVER, log, telemetry });

  const { traceId, error } = await withSpan(telemetry.tracer, "test", {}, async (span) => {
    await remote.say(text("hello"));
    return { traceId: span.spanContext().traceId, error: await remote.say(text("crash")).catch((thrown) => thrown) };
  });
  await remote.secret(text("")).catch(() => {});
  remote.close();

  expect(traces.map((traceparent) => traceparent?.split("-")[1])).toEqual([traceId, traceId]);
  expect(error).toMatchObject({ code: "INTERNAL", details: { traceId } });
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: "error", msg: "call failed", traceId, caller: suiteId("gateway"), error: { message: "PIN 1234" } },
  ]);

  const metrics = await scrape();
  for (const [method, code] of [
    ["Say", "OK"],
    ["Say", "INTERNAL"],
    ["Secret", "CALLER_NOT_ALLOWED"],
  ]) {
    const labels = `rpc_method="/test.v1.Echo/${method}",rpc_response_status_code="${code}"`;
    expect(metrics).toContain(`rpc_server_call_duration_count{${labels}} 1`);
    expect(metrics).toContain(`rpc_client_call_duration_count{${labels}} 1`);
  }
});
