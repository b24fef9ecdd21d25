import { randomUUID } from "node:crypto";
import { CertificateState, type ListCertificatesRequest, RevocationReason } from "@vcc-pki/proto/ca";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CaHarness, newCa } from "./harness.ts";

let suite: CaHarness;
const names = ["argus", "clara", "covina", "veritas", "vpb"];
beforeAll(async () => {
  suite = await newCa();
  for (let round = 0; round < 5; round++) {
    for (const name of names) {
      await suite.issue({ names: { dns: [`${name}.vcc.internal`, `${name}.team-${round}.vcc.local`] } });
      suite.clock.advance(10);
    }
    await suite.issue({ profile: "mtls_service_short", names: { dns: ["short.vcc.internal"], ip: ["10.1.2.3"] } });
    suite.clock.advance(60_000);
  }
});
afterAll(() => suite.close());

const code = (expected: string) => expect.objectContaining({ code: expected });
const base: ListCertificatesRequest = {
  ...{ organisation: "brandenburg", authorityId: "", profile: "", state: CertificateState.UNSPECIFIED, name: "" },
  ...{ expiresBefore: undefined, pageSize: 0, pageToken: "" },
};
const page = (request: Partial<ListCertificatesRequest> = {}) => suite.as().certificates.list({ ...base, ...request });

/** Every page, to the end. */
async function list(request: Partial<ListCertificatesRequest> = {}) {
  const found = [];
  let pageToken = "";
  do {
    const { certificates, nextPageToken } = await page({ ...request, pageToken });
    if (request.pageSize) expect(certificates.length).toBeLessThanOrEqual(request.pageSize);
    found.push(...certificates);
    pageToken = nextPageToken;
  } while (pageToken !== "");
  return found;
}

const serials = (certificates: { serialHex: string }[]) => certificates.map(({ serialHex }) => serialHex);
const newestFirst = (certificates: { serialHex: string }[]) => serials(certificates).toSorted().reverse();

describe("a list of certificates", () => {
  it("is newest first, without the certificates themselves", async () => {
    const all = await list();
    expect(all).toHaveLength(30);
    expect(serials(all)).toEqual(newestFirst(all));
    expect(all.every(({ certificateDer }) => certificateDer.length === 0)).toBe(true);
  });

  it.each([1, 7, 29, 30, 31])("comes in pages of %d, none missed and none twice", async (pageSize) => {
    expect(serials(await list({ pageSize }))).toEqual(serials(await list()));
  });

  it("does not move when new ones are issued between pages", async () => {
    const first = await page({ pageSize: 10, profile: "mtls_service" });
    await suite.issue({ names: { dns: ["late.vcc.brandenburg.de"] }, profile: "mtls_service_short" });
    const second = await page({ pageSize: 10, profile: "mtls_service", pageToken: first.nextPageToken });
    const [next] = second.certificates;
    expect((next?.serialHex ?? "x") < (first.certificates.at(-1)?.serialHex ?? "")).toBe(true);
  });

  it.each<[string, Partial<ListCertificatesRequest>, number]>([
    ["profile", { profile: "mtls_service" }, 25],
    ["unknown profile", { profile: "nothing" }, 0],
    ["authority", { authorityId: "vcc-services-ca", profile: "mtls_service" }, 25],
    ["another authority", { authorityId: "vcc-platform-ca" }, 0],
    ["name", { name: "argus.vcc.internal" }, 5],
    ["address", { name: "10.1.2.3" }, 5],
    ["prefix", { name: "c*" }, 10],
    ["suffix", { name: "*.team-3.vcc.local" }, 5],
    ["suffix under which every certificate has one name of two", { name: "*.vcc.local" }, 25],
    ["name and profile", { name: "*.vcc.internal", profile: "mtls_service" }, 25],
    ["expiry", { expiresBefore: new Date("2026-12-01"), profile: "mtls_service_short", name: "short*" }, 5],
  ])("can be filtered by %s", async (_, filter, expected) => {
    expect(await list(filter)).toHaveLength(expected);
    expect(await list({ ...filter, pageSize: 3 })).toHaveLength(expected);
  });

  it("by expiry begins with what expires first", async () => {
    const certificates = await list({ expiresBefore: new Date("2030-01-01"), pageSize: 4 });
    const ends = certificates.map(({ notAfter }) => notAfter?.getTime() ?? 0);
    expect(ends).toEqual(ends.toSorted((a, b) => a - b));
    expect(certificates.length).toBeGreaterThanOrEqual(30);
  });

  it.each([
    "x",
    "bm90IGEgdG9rZW4",
    Buffer.from('["a"]').toString("base64url"),
    Buffer.from('[{},"00"]').toString("base64url"),
  ])("refuses the page token %j", async (pageToken) => {
    await expect(page({ pageToken })).rejects.toThrow(code("REQUEST_MALFORMED"));
  });

  it("refuses a state that does not exist", async () => {
    await expect(page({ state: CertificateState.UNRECOGNIZED })).rejects.toThrow(code("REQUEST_MALFORMED"));
  });

  it("tells valid, revoked and expired ones apart", async () => {
    const [first] = await list({ name: "vpb.vcc.internal" });
    const { certificates } = suite.as();
    const request = { requestId: randomUUID(), organisation: "brandenburg", certificateId: first?.certificateId ?? "" };
    await certificates.revoke({ ...request, reason: RevocationReason.SUPERSEDED, invalidityDate: undefined });
    suite.clock.advance(2 * 86_400_000);
    const [valid, revoked, expired] = await Promise.all(
      [CertificateState.VALID, CertificateState.REVOKED, CertificateState.EXPIRED].map((state) =>
        list({ state, pageSize: 2 }),
      ),
    );
    expect(serials(revoked ?? [])).toEqual([first?.serialHex]);
    expect(expired?.every(({ profile }) => profile === "mtls_service_short")).toBe(true);
    expect([valid?.length, expired?.length]).toEqual([24, 6]);
    expect(serials(valid ?? [])).toEqual(newestFirst(valid ?? []));
  });
});
