import { randomUUID } from "node:crypto";
import { RevocationReason, type StatusChange, StatusChangeKind, type StreamStatusRequest } from "@vcc-pki/proto/ca";
import { serialToHex } from "@vcc-pki/x509";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type CaHarness, newCa, OPERATOR } from "./harness.ts";

let suite: CaHarness;
beforeAll(async () => {
  suite = await newCa({ authorities: ["vcc-services-ca", "vcc-code-signing-ca", "vcc-admin-ca", "vcc-platform-ca"] });
});
afterAll(() => suite.close());

const code = (expected: string) => expect.objectContaining({ code: expected });

async function stream(request: Partial<StreamStatusRequest> = {}, caller = "ocsp") {
  const messages = [];
  const { certificates } = suite.as(caller, undefined);
  for await (const message of certificates.streamStatus({
    generation: 1,
    afterSequence: 0,
    ...request,
  }))
    messages.push(message);
  return messages;
}
const changesAfter = async (afterSequence: number) =>
  (await stream({ afterSequence })).flatMap(({ changes }) => changes);
const head = async () => (await stream()).at(-1)?.headSequence ?? 0;

const administrator = {
  profile: "admin",
  organisation: "vcc",
  names: { uri: ["spiffe://vcc.internal/org/vcc/admin/anna"] },
};

const revoke = (certificateId = "", reason: RevocationReason = RevocationReason.SUPERSEDED) =>
  suite.as().certificates.revoke({
    ...{ requestId: randomUUID(), organisation: certificateId.startsWith("vcc-admin") ? "vcc" : "brandenburg" },
    ...{ certificateId, reason, invalidityDate: undefined },
  });
const release = (certificateId = "", fields: object = {}) =>
  suite.as().certificates.release({ requestId: randomUUID(), organisation: "vcc", certificateId, ...fields });

/** What must hold whatever happened: no gap, nothing twice, and events that say the same. */
afterEach(async () => {
  const changes = await changesAfter(0);
  expect(changes.map(({ sequence }) => sequence)).toEqual(changes.map((_, i) => i + 1));
  const told = suite.store.outbox
    .pending(10_000)
    .flatMap(({ data }) => (data as { sequence?: number }).sequence ?? [])
    .sort((a, b) => a - b);
  expect(told).toEqual(changes.map(({ sequence }) => sequence));
});

describe("the status of certificates", () => {
  it("begins with the authorities' own and is told to the end", async () => {
    const { authorities } = suite.as("ceremony");
    const messages = await stream({ generation: 0 });
    expect(messages[0]).toMatchObject({ generation: 1, fromStart: true });
    expect(messages.at(-1)?.headSequence).toBe(messages.flatMap(({ changes }) => changes).length);
    const { issuers } = await authorities.listIssuers({});
    expect(messages[0]?.changes).toHaveLength(issuers.length);
    expect(messages[0]?.changes[0]).toMatchObject({
      authorityId: "vcc-root-ca",
      profile: "authority",
      organisation: "vcc",
    });
  });

  it("is told change by change, each as it is now", async () => {
    const before = await head();
    const { certificate } = await suite.issue();
    const [issued, ...others] = await changesAfter(before);
    expect(others).toEqual([]);
    expect(issued).toMatchObject({
      ...{ sequence: before + 1, organisation: "brandenburg", authorityId: "vcc-services-ca", profile: "mtls_service" },
      ...{ notAfter: certificate?.notAfter, revokedAt: undefined, invalidityDate: undefined },
    });
    expect(serialToHex(issued?.serial ?? new Uint8Array())).toBe(certificate?.serialHex);

    await revoke(certificate?.certificateId);
    const now = { revokedAt: suite.clock.now(), revocationReason: RevocationReason.SUPERSEDED };
    expect(await changesAfter(before)).toMatchObject([
      { sequence: before + 1, ...now },
      { sequence: before + 2, ...now },
    ]);
    expect(await changesAfter(before + 1)).toMatchObject([{ sequence: before + 2 }]);
  });

  it("has one message when there is nothing new", async () => {
    const newest = await head();
    expect(await stream({ afterSequence: newest })).toEqual([
      { generation: 1, fromStart: false, changes: [], headSequence: newest },
    ]);
  });

  it.each([
    ["of another generation", { generation: 2, afterSequence: 3 }],
    ["that lies ahead of us", { generation: 1, afterSequence: 1_000_000 }],
  ])("starts anew from a position %s", async (_, position) => {
    const [first] = await stream(position);
    expect(first).toMatchObject({ generation: 1, fromStart: true });
    expect(first?.changes[0]).toMatchObject({ sequence: 1, profile: "authority" });
  });

  it("comes in batches, complete while certificates are issued", async () => {
    const { store } = suite;
    const before = await head();
    await store.write(() => {
      const add = store.db.prepare(
        "INSERT INTO status_log (change, authority_id, serial) SELECT 0, authority_id, serial FROM certificates LIMIT 1",
      );
      const tell = store.db.prepare("SELECT count(*) FROM status_log").pluck();
      for (let i = 0; i < 2_500; i++) {
        add.run();
        store.outbox.add({ type: "test", subject: "pki.vcc.test.test", data: { sequence: Number(tell.get()) } });
      }
    });
    const sizes: number[] = [];
    const seen: StatusChange[] = [];
    for await (const { changes } of suite
      .as("ocsp", undefined)
      .certificates.streamStatus({ generation: 1, afterSequence: before })) {
      if (sizes.length === 0) await suite.issue();
      sizes.push(changes.length);
      seen.push(...changes);
    }
    expect(Math.max(...sizes)).toBe(1_000);
    const rest = await changesAfter(before + seen.length); // what came after the stream had been read ahead
    const sequences = [...seen, ...rest].map(({ sequence }) => sequence);
    expect(sequences).toEqual(Array.from({ length: 2_501 }, (_, i) => before + 1 + i));
  });

  it.each([
    "gateway",
    "ca",
    "spiffe://vcc.internal/org/vcc/admin/operator",
    "spiffe://vcc.internal/org/brandenburg/service/argus",
  ])("is not %s's to ask for", async (caller) => {
    await expect(stream({}, caller)).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
  });

  it("is refused for a position that is none", async () => {
    await expect(stream({ afterSequence: -1 })).rejects.toThrow(code("REQUEST_MALFORMED"));
  });

  it("survives a restart", async () => {
    const before = await changesAfter(0);
    await suite.restart();
    expect(await changesAfter(0)).toEqual(before);
  });

  it("only grows", () => {
    for (const statement of ["UPDATE status_log SET change = 1", "DELETE FROM status_log"])
      expect(() => suite.store.db.exec(statement)).toThrow("only grows");
  });
  it("comes with what is certified, for who keeps more than the status", async () => {
    const before = await head();
    const { certificate } = await suite.issue();
    await revoke(certificate?.certificateId);
    const { certificates } = suite.as("lifecycle", undefined);
    const changes: StatusChange[] = [];
    for await (const message of certificates.streamCertificates({ generation: 1, afterSequence: before }))
      changes.push(...message.changes);
    expect(changes.map(({ kind }) => kind)).toEqual([StatusChangeKind.ISSUED, StatusChangeKind.REVOKED]);
    expect(changes[0]?.subject).toMatchObject({
      certificateDer: certificate?.certificateDer,
      ...{ profileVersion: certificate?.profileVersion, requester: OPERATOR, revokedBy: OPERATOR },
      issuedAt: certificate?.issuedAt,
    });
    expect((await changesAfter(before)).every(({ subject }) => subject === undefined)).toBe(true);
  });
});

describe("issuers", () => {
  it("are all authorities that have signed, with what answers for them need to know", async () => {
    const { issuers } = await suite.as("ocsp", undefined).authorities.listIssuers({});
    const facts = issuers.map(({ authorityId, issuesResponders, archives, crlShards }) => [
      ...[authorityId, issuesResponders, archives, crlShards],
    ]);
    expect(facts.sort()).toEqual([
      ["vcc-admin-ca", true, false, 1],
      ["vcc-code-signing-ca", true, true, 1],
      ["vcc-platform-ca", true, false, 1],
      ["vcc-root-ca", false, false, 1],
      ["vcc-services-ca", true, false, 1],
    ]);
  });

  it("are the suite's to ask for", async () => {
    const { authorities } = suite.as("spiffe://vcc.internal/org/brandenburg/service/argus", undefined);
    await expect(authorities.listIssuers({})).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
  });
});

describe("a hold", () => {
  const hold = (certificateId?: string) => revoke(certificateId, RevocationReason.CERTIFICATE_HOLD);

  it("is told, ended again, and told again", async () => {
    const { certificate } = await suite.issue(administrator);
    const before = await head();
    await hold(certificate?.certificateId);
    const held = { revocationReason: RevocationReason.CERTIFICATE_HOLD, revokedAt: suite.clock.now() };
    expect(await changesAfter(before)).toMatchObject([{ sequence: before + 1, ...held }]);
    await release(certificate?.certificateId);
    expect(await changesAfter(before)).toMatchObject([{ revokedAt: undefined }, { revokedAt: undefined }]);
    const [event] = suite.store.outbox.pending(10_000).slice(-1);
    expect(event).toMatchObject({
      subject: "pki.vcc.certificate.released",
      data: { generation: 1, sequence: before + 2, certificateId: certificate?.certificateId },
    });
    await hold(certificate?.certificateId);
    await release(certificate?.certificateId);
    expect(await changesAfter(before + 3)).toMatchObject([{ sequence: before + 4, revokedAt: undefined }]);
  });

  it("may become a revocation for good, dated when it began", async () => {
    const { certificate } = await suite.issue(administrator);
    await hold(certificate?.certificateId);
    const began = suite.clock.now();
    await expect(hold(certificate?.certificateId)).rejects.toThrow(code("CERTIFICATE_NOT_REVOCABLE"));
    suite.clock.advance(60_000);
    const late = {
      ...{ requestId: randomUUID(), organisation: "vcc", certificateId: certificate?.certificateId ?? "" },
      ...{ reason: RevocationReason.KEY_COMPROMISE, invalidityDate: suite.clock.now() },
    };
    await expect(suite.as().certificates.revoke(late)).rejects.toThrow(code("REQUEST_MALFORMED"));
    const revoked = await revoke(certificate?.certificateId, RevocationReason.KEY_COMPROMISE);
    expect(revoked).toMatchObject({ revokedAt: began, revocationReason: RevocationReason.KEY_COMPROMISE });
    await expect(release(certificate?.certificateId)).rejects.toThrow(code("CERTIFICATE_NOT_ON_HOLD"));
  });

  it("is for profiles that admit it", async () => {
    const { certificate } = await suite.issue();
    await expect(hold(certificate?.certificateId)).rejects.toThrow(code("REVOCATION_REASON_NOT_ALLOWED"));
  });

  it("is ended once: a repeat answers the same, another request and another content are refused", async () => {
    const { certificate } = await suite.issue(administrator);
    await hold(certificate?.certificateId);
    const fields = { requestId: randomUUID() };
    const [first, second] = await Promise.all([
      release(certificate?.certificateId, fields),
      release(certificate?.certificateId, fields),
    ]);
    expect(second).toEqual(first);
    expect(await release(certificate?.certificateId, fields)).toEqual(first);
    await expect(release(certificate?.certificateId)).rejects.toThrow(code("CERTIFICATE_NOT_ON_HOLD"));
    const { certificate: other } = await suite.issue(administrator);
    await expect(release(other?.certificateId, fields)).rejects.toThrow(code("REQUEST_ID_REUSED"));
  });

  it("is not ended for a stranger, for what does not exist, or after the certificate's end", async () => {
    const { certificate } = await suite.issue(administrator);
    await hold(certificate?.certificateId);
    const foreign = { organisation: "brandenburg" };
    await expect(release(certificate?.certificateId, foreign)).rejects.toThrow(code("NOT_FOUND"));
    await expect(release("vcc-admin-ca:01aa")).rejects.toThrow(code("NOT_FOUND"));
    await expect(release("nonsense")).rejects.toThrow(code("REQUEST_MALFORMED"));
    await expect(release(certificate?.certificateId, { requestId: "" })).rejects.toThrow(code("REQUEST_MALFORMED"));
    const request = { requestId: randomUUID(), organisation: "", certificateId: certificate?.certificateId ?? "" };
    await expect(suite.as("ocsp", undefined).certificates.release(request)).rejects.toThrow(code("CALLER_NOT_ALLOWED"));
  });
});

/** Fails the commit of the next change of status. Chores, which sign lists, may commit in between. */
function failNextChange(when: "before" | "after"): void {
  const hook = when === "before" ? "beforeCommit" : "afterCommit";
  const changes = () => suite.store.db.prepare("SELECT count(*) FROM status_log").pluck().get();
  const had = changes();
  suite.storeFaults[hook] = () => {
    if (changes() === had) return;
    delete suite.storeFaults[hook];
    throw new Error(`the disk failed ${when} a change of status`);
  };
}

describe.each(["before", "after"] as const)("when a commit fails %s it is stored", (when) => {
  it.each(["issue", "hold", "release"])("%s leaves no gap and nothing twice", async (what) => {
    const { certificate } = await suite.issue(administrator);
    const id = certificate?.certificateId ?? "";
    if (what === "release") await revoke(id, RevocationReason.CERTIFICATE_HOLD);
    const requestId = randomUUID();
    const before = await head();
    const attempt = () => {
      const fields = { requestId, organisation: "vcc", certificateId: id };
      if (what === "issue") return suite.issue({ ...administrator, requestId, csrDer });
      if (what === "release") return suite.as().certificates.release(fields);
      return suite
        .as()
        .certificates.revoke({ ...fields, reason: RevocationReason.CERTIFICATE_HOLD, invalidityDate: undefined });
    };
    const csrDer = suite.csr(administrator.names);
    failNextChange(when);
    await expect(attempt()).rejects.toThrow(code("STORE_UNAVAILABLE"));
    await suite.restart();
    await attempt();
    expect(await head()).toBe(before + 1);
  });
});
