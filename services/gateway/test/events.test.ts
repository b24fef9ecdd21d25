import { generateTestKey } from "@vcc-pki/testkit/hierarchy";
import { createCertificationRequest, parseCertificate, toHex } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { followEvents } from "./follow.ts";
import type { Knocker } from "./https.ts";
import { newSuite, type Suite } from "./suite.ts";

let suite: Suite;
let bruno: Knocker & { readonly serialHex: string };
beforeAll(async () => {
  suite = await newSuite();
  bruno = await suite.person("brandenburg", "bruno");
});
afterAll(() => suite.close());

async function issue(dns: string): Promise<string> {
  const csr = createCertificationRequest({ privateKey: generateTestKey().privateKey, subjectAltNames: { dns: [dns] } });
  const body = { profile: "mtls_service", csr: Buffer.from(csr).toString("base64") };
  const answer = await suite.knock({ path: "/api/v1/certs/request", body, as: bruno });
  await suite.told();
  return String(answer.json().cert_id);
}

const follow = (as: Knocker, path?: string) => followEvents(suite, as, path);

describe("the event stream", () => {
  it("begins with the newest facts if asked to, and goes on", async () => {
    const before = await issue("before.vcc.internal");
    const stream = follow(bruno, "/api/v1/events?last=1");
    await stream.until(before);
    const after = await issue("after.vcc.internal");
    const text = await stream.until(after);
    const events = text
      .split("\n")
      .filter((line) => line.startsWith("data: "))
      .map((line) => JSON.parse(line.slice(6)));
    expect(events.map(({ type, data }) => [type, data.certificateId])).toEqual([
      ["pki.certificate.issued.v1", before],
      ["pki.certificate.issued.v1", after],
    ]);
    expect(text).toContain(`id: ${events[0].id}\n`);
    stream.hangUp();
  });

  it("tells nothing of other organisations", async () => {
    const berta = await suite.person("bayern", "berta");
    const theirs = follow(berta, "/api/v1/events?last=1000");
    const own = follow(bruno);
    await own.until(": connected");
    await theirs.until(": connected");
    const certId = await issue("hidden.vcc.internal");
    await own.until(certId);
    await theirs.until(": alive");
    expect(theirs.received()).not.toContain(certId);
    expect(theirs.received()).not.toContain("brandenburg");
    own.hangUp();
    theirs.hangUp();
  });

  it("ends when the certificate is revoked", async () => {
    const paula = await suite.person("brandenburg", "paula");
    const stream = follow(paula);
    await stream.until(": alive");
    const adminCa = (await suite.ceremony.authorities.get({ organisation: "vcc", authorityId: "vcc-admin-ca" }))
      .certificateDer;
    const issuerKeyId = toHex(parseCertificate(adminCa).subjectKeyIdentifier ?? new Uint8Array());
    suite.denyList.deny({ serialHex: paula.serialHex, issuerKeyId });
    await stream.ended;
  });

  it("ends when the certificate is revoked at the ca, and the door stays shut", async () => {
    const rita = await suite.person("brandenburg", "rita");
    const stream = follow(rita);
    await stream.until(": alive");
    const path = `/api/v1/certs/revoke/${rita.certificateId}`;
    expect((await suite.knock({ path, body: { reason: "key_compromise" }, as: bruno })).status).toBe(200);
    suite.clock.advance(5_000);
    await stream.ended;
    const answer = await suite.knock({ path: "/api/v1/profiles", as: rita });
    expect([answer.status, answer.json().code]).toEqual([401, "CALLER_REVOKED"]);
  });

  it("ends with a membership", async () => {
    const carla = await suite.person("bayern", "carla");
    const identity = "spiffe://vcc.internal/org/bayern/admin/carla";
    const requester = "spiffe://vcc.internal/org/vcc/admin/operator";
    const { organisations } = suite.ceremony;
    const membership = { organisation: "brandenburg", identity, expiresAt: undefined };
    await organisations.grantMembership({ requestId: "g", membership }, { requester });
    const stream = follow(carla, "/api/v1/events?organisation=brandenburg");
    await stream.until(": alive");
    await organisations.revokeMembership({ requestId: "r", organisation: "brandenburg", identity }, { requester });
    await stream.ended;
  });

  it("is not to be had without end", async () => {
    const streams = Array.from({ length: 8 }, () => follow(bruno));
    for (const stream of streams) await stream.until(": connected");
    const ninth = await suite.knock({ path: "/api/v1/events", as: bruno });
    expect([ninth.status, ninth.json().code]).toEqual([429, "RATE_LIMITED"]);
    for (const stream of streams) stream.hangUp();
  });

  it.each(["last=-1", "last=10001", "last=x", "organisation=*", "organisation=%3E", "subject=pki.%3E"])(
    "refuses %s",
    async (query) => {
      const answer = await suite.knock({ path: `/api/v1/events?${query}`, as: bruno });
      expect([answer.status, answer.json().code]).toEqual([400, "REQUEST_MALFORMED"]);
    },
  );
});
