import { describe, expect, it } from "vitest";
import { pemEncode, sha1KeyIdentifier, TIME_STAMP_CHECKS, verifyTimeStampToken } from "../src/index.ts";
import { messageImprint, NONCE, tstInfoDer, withSigner } from "./corruptions/cast.ts";
import { requestDer, sound, TIME_STAMP_CORRUPTIONS, unit } from "./corruptions/index.ts";
import { craftToken } from "./crafted-token.ts";
import { openssl } from "./openssl.ts";
import { GEN_TIME, TEST_POLICY } from "./time-stamping-unit.ts";

type Verdict = "refused" | "accepted";

describe("a time stamp", () => {
  const question = {
    messageImprint,
    nonce: NONCE,
    policies: [TEST_POLICY],
    trust: () => [{ name: "trust", ok: true }],
  };
  const firstFailure = (token: Uint8Array) =>
    verifyTimeStampToken(token, question).checks.find(({ ok }) => !ok)?.name ?? "none";
  const judge = (token: Uint8Array): Verdict => {
    const certificate = (der: Uint8Array) => pemEncode("CERTIFICATE", der);
    const request = [
      "-queryfile",
      "request",
      "-CAfile",
      "root.pem",
      "-attime",
      String(Math.floor(GEN_TIME.getTime() / 1_000)),
    ];
    const files = { token, "root.pem": certificate(unit.ca.certificate.der), request: requestDer };
    try {
      return openssl(["ts", "-verify", "-token_in", "-in", "token", ...request], files).includes("Verification: OK")
        ? "accepted"
        : "refused";
    } catch {
      return "refused";
    }
  };

  it("that is sound is accepted, also when it is crafted", () => {
    for (const token of [
      sound,
      craftToken(unit, tstInfoDer),
      withSigner({ bySubjectKeyIdentifier: sha1KeyIdentifier(unit.spkiDer) }),
    ])
      expect(firstFailure(token)).toBe("none");
    expect(judge(sound)).toBe("accepted");
    expect(judge(craftToken(unit, tstInfoDer))).toBe("accepted");
  });

  it.each(TIME_STAMP_CORRUPTIONS)("with $what is refused", ({ token, check, overlookedByOpenssl }) => {
    const expected: Verdict = overlookedByOpenssl === undefined ? "refused" : "accepted";
    expect({ check: firstFailure(token), openssl: judge(token) }).toEqual({ check, openssl: expected });
  });

  it("is refused for each thing that is looked at", () => {
    const seen = new Set(TIME_STAMP_CORRUPTIONS.map(({ check }) => check));
    expect(TIME_STAMP_CHECKS.filter((name) => !seen.has(name))).toEqual([]);
  });

  it("with any octet changed is refused, or says the same", () => {
    for (let at = 0; at < sound.length; at++) {
      const changed = sound.with(at, (sound[at] as number) ^ (1 << (at % 8)));
      const { ok } = verifyTimeStampToken(changed, question);
      expect(ok, `octet ${at}`).toBe(false);
    }
  });
});
