import { hash, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RevocationReason } from "@vcc-pki/proto/ca";
import type { VerifyRequest } from "@vcc-pki/proto/tsa";
import { TIME_STAMP_CHECKS } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { post } from "./client.ts";
import { DATA, request } from "./craft.ts";
import { foreignAuthority } from "./foreign.ts";
import { newTsa, POLICY, type TsaHarness } from "./harness.ts";

const directory = mkdtempSync(join(tmpdir(), "tsa-foreign-"));
const foreign = foreignAuthority(directory);
let tsa: TsaHarness;
const UNITS = [
  { name: "p256", policies: [POLICY.main] },
  { name: "p384", policies: [POLICY.main], keyAlgorithm: "ec-p384" },
  { name: "pss", policies: [POLICY.main], keyAlgorithm: "rsa-3072" },
  { name: "pkcs1", policies: [POLICY.main], keyAlgorithm: "rsa-3072", rsaPadding: "pkcs1" },
];
beforeAll(async () => {
  tsa = await newTsa({ config: { units: UNITS } });
});
afterAll(async () => {
  await tsa.close();
  rmSync(directory, { recursive: true });
});

const NONCE = Buffer.of(0x11, 0x22);
const stamp = async (unit = "p256") => (await post(tsa.url, request({ nonce: NONCE }), { path: `/tsa/${unit}` })).body;
const verify = (tokenDer: Uint8Array, fields: Partial<VerifyRequest> = {}, as = tsa.as("gateway")) =>
  as.verify({
    ...{ tokenDer, stamped: { $case: "data", value: DATA }, nonce: NONCE, policyOids: [POLICY.main] },
    ...{ anchorsDer: [], certificatesDer: [], crlsDer: [], ocspResponsesDer: [], requireRevocation: false },
    ...fields,
  });
const failing = ({ checks }: Awaited<ReturnType<typeof verify>>) =>
  checks.filter(({ ok }) => !ok).map(({ name }) => name);

describe("Verify", () => {
  it.each(UNITS.map(({ name }) => name))("accepts what unit %s has stamped, and names every check", async (unit) => {
    const answer = await verify(await stamp(unit));
    expect(failing(answer)).toEqual([]);
    expect(answer).toMatchObject({ ok: true, genTime: tsa.clock.now(), policyOid: POLICY.main });
    expect(answer.checks.map(({ name }) => name)).toEqual([...TIME_STAMP_CHECKS, "path", "revocation"]);
    expect(answer.serialHex).toMatch(/^[0-9a-f]{40}$/);
  });

  it("takes a token without its response, and a digest instead of data", async () => {
    const { outcome } = await tsa.as("gateway").timestamp({
      ...{ requestId: randomUUID(), unit: "" },
      question: { $case: "timeStampReq", value: request({ nonce: NONCE, certReq: false }) },
    });
    if (outcome?.$case !== "token") throw new Error("refused");
    const { tokenDer } = outcome.value;
    expect(failing(await verify(tokenDer))).toContain("signer-certificate");
    const certificatesDer = (await tsa.certificates()).map(({ der }) => der);
    const messageImprint = { hashAlgorithm: "sha256", digest: hash("sha256", DATA, "buffer") };
    const stamped = { $case: "messageImprint", value: messageImprint } as const;
    expect(failing(await verify(tokenDer, { certificatesDer, stamped }))).toEqual([]);
  });

  it.each<[string, Partial<VerifyRequest>, string[]]>([
    ["something else was stamped", { stamped: { $case: "data", value: Buffer.from("else") } }, ["message-imprint"]],
    ["the nonce is another", { nonce: Buffer.of(1) }, ["nonce"]],
    ["the policy is another", { policyOids: [POLICY.other] }, ["policy"]],
  ])("says so when %s", async (_, fields, expected) => {
    expect(failing(await verify(await stamp(), fields))).toEqual(expected);
  });

  it("says so when a single bit is another, wherever it is", async () => {
    // Certificates that come along prove nothing by themselves: one that is spoilt is not missed where we have it.
    const { body: response } = await post(tsa.url, request({ nonce: NONCE, certReq: false }));
    const certificatesDer = (await tsa.certificates("p256")).map(({ der }) => der);
    expect((await verify(response, { certificatesDer })).ok).toBe(true);
    for (let at = 9; at < response.length; at += 5) {
      const spoilt = Buffer.from(response);
      spoilt[at] = (spoilt[at] as number) ^ 1;
      expect((await verify(spoilt, { certificatesDer })).ok, `octet ${at}`).toBe(false);
    }
  });

  it("is not thrown by what is no token", async () => {
    for (const octets of [Buffer.of(), Buffer.from("token"), request(), Buffer.alloc(100_000, 0x30)]) {
      expect(failing(await verify(octets))).toContain("well-formed");
    }
  });

  it("accepts a foreign authority's token under its root, and not without", async () => {
    const token = foreign.reply(request({ nonce: NONCE }));
    const fields = { policyOids: [] };
    expect(failing(await verify(token, fields))).toEqual(["path"]);
    expect(failing(await verify(token, { ...fields, anchorsDer: [foreign.rootDer] }))).toEqual([]);
    expect(failing(await verify(token, { ...fields, anchorsDer: [foreign.rootDer], requireRevocation: true }))).toEqual(
      ["revocation"],
    );
  });

  it.each<[string, Partial<VerifyRequest>, string]>([
    ["nothing that was stamped", { stamped: undefined }, "REQUEST_MALFORMED"],
    [
      "a digest of SHA-1",
      { stamped: { $case: "messageImprint", value: { hashAlgorithm: "sha1", digest: Buffer.alloc(20) } } },
      "ALGORITHM_NOT_ALLOWED",
    ],
    ["an anchor that is none", { anchorsDer: [Buffer.from("anchor")] }, "CERTIFICATE_MALFORMED"],
    ["a list that is none", { crlsDer: [Buffer.from("list")] }, "CRL_MALFORMED"],
    ["too many certificates", { certificatesDer: Array(33).fill(foreign.rootDer) }, "REQUEST_MALFORMED"],
  ])("refuses %s", async (_, fields, expected) => {
    await expect(verify(await stamp(), fields)).rejects.toMatchObject({ code: expected });
  });

  it("is for the suite alone", async () => {
    const outsider = tsa.as("spiffe://vcc.internal/org/brandenburg/service/argus");
    await expect(verify(await stamp(), {}, outsider)).rejects.toMatchObject({ code: "CALLER_NOT_ALLOWED" });
  });

  it("knows of a unit whose key was compromised, and of one that only retired", async () => {
    const compromised = await stamp("p384");
    const retired = await stamp("pss");
    tsa.clock.advance(3_600_000);
    const certificates = await tsa.certificates();
    const revoke = async (at: number, reason: RevocationReason) =>
      tsa.ca.as().certificates.revoke({
        ...{ requestId: randomUUID(), organisation: "vcc", reason, invalidityDate: undefined },
        certificateId: certificates[at]?.serialHex ?? "",
      });
    await revoke(1, RevocationReason.KEY_COMPROMISE);
    await revoke(2, RevocationReason.SUPERSEDED);
    await tsa.ca
      .as()
      .crls.publish({ requestId: randomUUID(), organisation: "vcc", authorityId: "vcc-tsa-ca", ahead: 0 });
    await tsa.tsa.refresh();
    expect(failing(await verify(compromised))).toEqual(["revocation"]);
    expect(failing(await verify(retired))).toEqual([]);
  });
});
