import { describe, expect, it } from "vitest";
import { readHealth } from "./health-dialect.ts";

/** Answers as the services give them. */
const ANSWERS = [
  [
    "covina",
    200,
    '{"status":"healthy","backend_type":"main","port":45678,"features_available":{},"system_resources":{}}',
    "healthy",
  ],
  ["covina /ready", 200, '{"ready":true,"dependencies":{"db":true}}', "healthy"],
  ["covina /ready, not", 503, '{"ready":false,"dependencies":{}}', "unhealthy"],
  ["covina /live", 200, '{"status":"alive"}', "healthy"],
  ["vllm", 200, '{"status":"ok"}', "healthy"],
  ["vllm itself", 200, "", "healthy"],
  ["veritas", 200, '{"status":"healthy","components":{"db":{"status":"healthy"},"llm":"ok","cache":true}}', "healthy"],
  ["veritas, a part down", 200, '{"status":"healthy","components":{"db":{"status":"down"}}}', "degraded"],
  ["veritas v3", 200, '{"status":"degraded"}', "degraded"],
  ["veritas v3, down", 200, '{"status":"unhealthy"}', "unhealthy"],
  ["urn /healthz", 200, "ok", "healthy"],
  ["a word in quotes", 200, '"OK"', "healthy"],
  ["the gateway of this suite", 200, '{"status":"ok"}', "healthy"],
] as const;

describe("auto reads", () => {
  it.each(ANSWERS)("%s", (_, code, body, health) => {
    expect(readHealth("auto", code, body).health).toBe(health);
  });
});

describe("what is not said is not known", () => {
  it.each([
    ["a redirect", "auto", 302, '{"status":"healthy"}'],
    ["a login", "auto", 401, '{"status":"healthy"}'],
    ["another page", "auto", 404, '{"status":"healthy"}'],
    ["a page", "auto", 200, "<html>It works!</html>"],
    ["JSON of something else", "auto", 200, '{"uptime":3}'],
    ["a page where a status belongs", "status", 200, "<html>healthy</html>"],
    ["a word of no dialect", "status", 200, '{"status":"splendid"}'],
    ["ready as a word", "ready", 200, '{"ready":"yes"}'],
    ["a status where ready belongs", "ready", 200, '{"status":"healthy"}'],
    ["a word that is a property of every object", "auto", 200, '{"status":"constructor"}'],
  ] as const)("%s", (_, dialect, code, body) => {
    expect(readHealth(dialect, code, body).health).toBe("unknown");
  });
});

it("believes the worse of code and body", () => {
  expect(readHealth("auto", 500, '{"status":"healthy"}').health).toBe("unhealthy");
  expect(readHealth("auto", 200, '{"status":"healthy","ready":false}').health).toBe("unhealthy");
});

it("reads the code alone where that is the dialect", () => {
  expect(readHealth("http", 204, "").health).toBe("healthy");
  expect(readHealth("http", 200, '{"status":"down"}').health).toBe("healthy");
});

it.each([
  "[",
  "null",
  "[]",
  '{"components":null}',
  '{"components":[null,1]}',
  '{"components":{"a":null}}',
  '{"status":{"x":1}}',
])("does not stumble over %s", (body) => {
  expect(() => readHealth("auto", 200, body)).not.toThrow();
});
