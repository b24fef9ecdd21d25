import { connect } from "node:tls";
import { PkiError } from "@vcc-pki/errors";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type DoorOptions, newDoor } from "./door.ts";

const inDoor = (options?: DoorOptions) =>
  newDoor({
    ...options,
    addRoutes(app) {
      app.post(
        "/things/:id",
        { schema: { body: z.strictObject({ name: z.string().max(10) }) } },
        async ({ body }) => body,
      );
      app.get("/headers", async (request) => request.headers);
      app.get("/fails/:how", async (request) => {
        const { how } = request.params as { how: string };
        if (how === "defect") throw new Error("secret: PIN 1234 at /etc/secret");
        if (how === "waiting") {
          throw new PkiError("APPROVAL_REQUIRED", "wait", { details: { approvalId: "a-1" } });
        }
        throw new PkiError("NAME_NOT_ALLOWED", "not yours", {
          details: { name: "x" },
          cause: new Error("inner secret"),
        });
      });
    },
  });

describe("a bad request gets a stable code and nothing else", () => {
  const cases: readonly [
    what: string,
    body: string | Buffer | object,
    headers: Record<string, string>,
    status: number,
    code: string,
  ][] = [
    ["malformed JSON", "{", { "content-type": "application/json" }, 400, "REQUEST_MALFORMED"],
    ["no body", "", { "content-type": "application/json" }, 400, "REQUEST_MALFORMED"],
    ["an unknown field", { name: "a", more: 1 }, {}, 400, "REQUEST_MALFORMED"],
    ["a wrong type", { name: 1 }, {}, 400, "REQUEST_MALFORMED"],
    [
      "a prototype in JSON",
      '{"name":"a","__proto__":{"x":1}}',
      { "content-type": "application/json" },
      400,
      "REQUEST_MALFORMED",
    ],
    [
      "a body of an unknown type",
      "name=a",
      { "content-type": "application/x-www-form-urlencoded" },
      415,
      "MEDIA_TYPE_NOT_SUPPORTED",
    ],
    ["plain text", "name", { "content-type": "text/plain" }, 415, "MEDIA_TYPE_NOT_SUPPORTED"],
    [
      "PKCS#10 where JSON belongs",
      Buffer.alloc(10),
      { "content-type": "application/pkcs10" },
      400,
      "REQUEST_MALFORMED",
    ],
    ["more than 256 KiB", { name: "x".repeat(256 * 1024) }, {}, 413, "REQUEST_TOO_LARGE"],
  ];
  it.each(cases)("%s", async (_what, body, headers, status, code) => {
    const { knock, admin } = await inDoor();
    const answer = await knock({ path: "/things/1", as: admin, method: "POST", body, headers });
    expect(answer.headers["content-type"]).toContain("application/problem+json");
    const problem = answer.json();
    expect([answer.status, problem.status, problem.code, problem.type]).toEqual([
      status,
      status,
      code,
      `urn:pki:error:${code}`,
    ]);
    expect(problem.trace_id).toMatch(/^[0-9a-f]{32}$/);
    expect(answer.text).not.toMatch(/\.ts:\d|node_modules|stack/);
  });

  it("says which field is wrong", async () => {
    const { knock, admin } = await inDoor();
    const answer = await knock({ path: "/things/1", as: admin, body: { name: 1 } });
    expect(answer.json().details).toHaveProperty("/name");
  });

  it.each([
    ["GET", "/api/v2/nothing"],
    ["DELETE", "/things/1"],
    ["GET", "/things/1"],
  ])("an unknown resource or method: %s %s", async (method, path) => {
    const { knock, admin } = await inDoor();
    const answer = await knock({ path, method, as: admin });
    expect([answer.status, answer.json().code]).toEqual([404, "METHOD_UNKNOWN"]);
  });

  it("a path that is no path", async () => {
    const { knock, admin } = await inDoor();
    const answer = await knock({ path: "/things/%ff%zz", as: admin });
    expect([answer.status, answer.json().code]).toEqual([400, "REQUEST_MALFORMED"]);
  });

  it("headers without end", async () => {
    const { knock, admin } = await inDoor();
    const answer = await knock({ path: "/headers", as: admin, headers: { "x-long": "x".repeat(20_000) } });
    expect([answer.status, answer.json().code]).toEqual([431, "REQUEST_TOO_LARGE"]);
  });

  it("what is not HTTP", async () => {
    const { port, hierarchy, admin } = await inDoor();
    const { keyPem: key, chainPem: cert } = admin;
    const socket = connect({ host: "localhost", port, ca: hierarchy.trustPem, key, cert });
    socket.end("\u0016\u0003 this is not HTTP\r\n\r\n");
    const answer = (await socket.toArray()).join("");
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"REQUEST_MALFORMED"');
  });
});

describe("a failure", () => {
  it("of ours says nothing but a trace id", async () => {
    const { knock, admin } = await inDoor();
    const answer = await knock({ path: "/fails/defect", as: admin });
    expect([answer.status, answer.json().code]).toEqual([500, "INTERNAL"]);
    expect(answer.text).not.toMatch(/1234|secret|\.ts/);
  });

  it("of policy says code and details, and never the cause", async () => {
    const { knock, admin } = await inDoor();
    const answer = await knock({ path: "/fails/policy", as: admin });
    expect([answer.status, answer.json().details]).toEqual([403, { name: "x" }]);
    expect(answer.text).not.toContain("inner secret");
  });

  it("that only waits for custodians is 202 with the place to ask", async () => {
    const { knock, admin } = await inDoor();
    const answer = await knock({ path: "/fails/waiting", as: admin });
    expect([answer.status, answer.headers.location]).toEqual([202, "/api/v1/approvals/a-1"]);
    expect(answer.json()).toMatchObject({ status: "approval_required", approval_id: "a-1" });
  });
});

describe("headers", () => {
  it("that would name a client are dropped, in any spelling", async () => {
    const { knock, admin } = await inDoor();
    const claims = [
      "X-Client-Certificate",
      "X-Forwarded-Client-Cert",
      "Client-Cert",
      "X-SSL-Client-S-DN",
      "X-User-Id",
      "X-Pki-Requester",
    ];
    const headers = Object.fromEntries(claims.map((name) => [name, "spiffe://vcc.internal/pki/ca"]));
    const seen = (await knock({ path: "/headers", as: admin, headers })).json();
    for (const name of claims) expect(seen).not.toHaveProperty(name.toLowerCase());
  });

  it("that protect are on every answer", async () => {
    const { knock, admin } = await inDoor();
    for (const path of ["/headers", "/nothing", "/fails/policy"]) {
      const { headers } = await knock({ path, as: admin });
      expect(headers).toMatchObject({
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
      });
      expect(headers).not.toHaveProperty("x-powered-by");
    }
  });
});

it("a person who asks too often waits; another one does not", async () => {
  const door = await inDoor({ rateLimit: { perSecond: 0.01, burst: 2 } });
  const other = door.issueAdmin({ subjectAltNames: { uri: ["spiffe://vcc.internal/org/vcc/admin/other"] } });
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push(await door.knock({ path: "/headers", as: door.admin }));
  expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429]);
  expect(statuses[2]?.json().code).toBe("RATE_LIMITED");
  expect(Number(statuses[2]?.headers["retry-after"])).toBeGreaterThan(0);
  expect((await door.knock({ path: "/headers", as: other })).status).toBe(200);
});
