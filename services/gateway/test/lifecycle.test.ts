import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CertificateHistory, LifecycleReport, ManagedList } from "../src/api/lifecycle.ts";
import { refused } from "./https.ts";
import { type LifecycleDoor, newLifecycleDoor } from "./lifecycle-door.ts";

let door: LifecycleDoor;
let certificateId = "";
beforeAll(async () => {
  door = await newLifecycleDoor();
  const { ca, lifecycle } = door.lifecycle;
  const { certificate } = await ca.issue({ names: { dns: ["vpb.vcc.internal"] } });
  certificateId = certificate?.certificateId ?? "";
  await lifecycle.refresh();
});
afterAll(() => door.close());

const LIST = "/api/v1/lifecycle/certificates";
const REPORT = "/api/v1/lifecycle/report";
const history = (id: string) => `/api/v1/certs/history/${id}`;

async function ask<T>(path: string): Promise<T> {
  const answer = await door.knock({ path });
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  return answer.json() as T;
}

describe("the history of a certificate", () => {
  it("is found by its id and by its serial number", async () => {
    const byId = await ask<CertificateHistory>(history(certificateId));
    expect(byId).toMatchObject({
      certificates: [
        {
          certificate: {
            cert_id: certificateId,
            ca_id: "vcc-services-ca",
            state: "issued",
            subject: "vpb.vcc.internal",
          },
          changes: [{ change: "issued", to: "issued", actor: "spiffe://vcc.internal/org/vcc/admin/operator" }],
        },
      ],
    });
    expect(await ask(history(certificateId.split(":")[1] ?? ""))).toEqual(byId);
  });
});

describe("certificates", () => {
  it("are listed by where they are in their lives, page by page", async () => {
    const all = await ask<ManagedList>(`${LIST}?state=issued&profile=mtls_service`);
    expect(all.certificates.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(["vpb.vcc.internal", "spiffe://vcc.internal/org/brandenburg/service/argus"]),
    );
    const first = await ask<ManagedList>(`${LIST}?profile=mtls_service&page_size=1`);
    const second = await ask<ManagedList>(
      `${LIST}?profile=mtls_service&page_size=1&page_token=${first.next_page_token}`,
    );
    expect([...first.certificates, ...second.certificates]).toEqual(all.certificates.slice(0, 2));
    expect((await ask<ManagedList>(`${LIST}?expires_before=2001-01-01T00:00:00Z`)).certificates).toEqual([]);
    expect((await ask<ManagedList>(`${LIST}?state=revoked`)).certificates).toEqual([]);
  });
});

describe("a report", () => {
  it("is about the last thirty days unless told otherwise", async () => {
    const until = encodeURIComponent(new Date(door.lifecycle.clock.now().getTime() + 1_000).toISOString());
    const report = await ask<LifecycleReport>(`${REPORT}?until=${until}`);
    expect(report).toMatchObject({
      organisation: "brandenburg",
      profiles: expect.arrayContaining([expect.objectContaining({ profile: "mtls_service", issued: 2, expired: 0 })]),
    });
    expect(report.upcoming).toHaveLength(12);
    expect(Date.parse(report.until) - Date.parse(report.from)).toBe(30 * 86_400_000);
  });
});

describe("refused", () => {
  const each = (path: string) => [
    ["without certificate", { path, as: undefined }, 401, "CALLER_UNAUTHENTICATED"] as const,
    ["for a service", { path, as: "argus" }, 403, "CALLER_NOT_ALLOWED"] as const,
    ["for a stranger", { path: `${path}?organisation=brandenburg`, as: "stranger" }, 404, "NOT_FOUND"] as const,
  ];
  it.each([...each(LIST), ...each(REPORT), ...each(history("vcc-services-ca:00ff"))])(
    "%s",
    async (_, { path, as }, status, code) => {
      const who = as === "argus" ? door.argus : as === "stranger" ? door.stranger : undefined;
      expect(await refused(door.knock({ path, as: who }))).toEqual([status, code]);
    },
  );

  it.each([
    [`${LIST}?state=lost`],
    [`${LIST}?page_size=0`],
    [`${LIST}?page_token=e30`],
    [`${LIST}?more=1`],
    [`${REPORT}?from=yesterday`],
    [`${REPORT}?from=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z`],
    [`${REPORT}?from=1970-01-01T00:00:00Z`],
    [history("not%20an%20id")],
  ])("what is malformed: %s", async (path) => {
    expect(await refused(door.knock({ path }))).toEqual([400, "REQUEST_MALFORMED"]);
  });

  it("what is not there", async () => {
    expect(await refused(door.knock({ path: history("vcc-services-ca:00ff") }))).toEqual([404, "NOT_FOUND"]);
  });
});
