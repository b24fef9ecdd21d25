import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@vcc-pki/time";
import { foreignAuthority } from "@vcc-pki/tsa/foreign";
import {
  buildTimeStampReq,
  imprintData,
  type PkiFailureInfo,
  parseCertificate,
  timeStampResp,
  trustAnchors,
} from "@vcc-pki/x509";
import { beforeAll, describe, expect, it } from "vitest";
import { judgeResponse, type Question } from "./judge.ts";

const NONCE = Uint8Array.of(0x40, 1, 2, 3);
const messageImprint = imprintData("sha256", Buffer.from("soak"));

/** A token that `openssl ts -reply` has made now. */
let answer: Buffer;
let question: Question;
let receivedAt: Date;

beforeAll(() => {
  const { rootDer, reply } = foreignAuthority(mkdtempSync(join(tmpdir(), "soak-judge-")));
  const sentAt = systemClock.now();
  answer = reply(buildTimeStampReq({ messageImprint, nonce: NONCE, certReq: true }));
  receivedAt = systemClock.now();
  const trust = trustAnchors({ anchors: [parseCertificate(rootDer)] });
  question = { messageImprint, nonce: NONCE, policies: ["1.3.6.1.4.1.32473.77"], trust, sentAt };
});

const faultOf = (asked: Partial<Question>, der: Uint8Array = answer, at = receivedAt) => {
  const outcome = judgeResponse(der, { ...question, ...asked }, at);
  return outcome.kind === "fault" ? outcome.fault : outcome.kind;
};

describe("the judge", () => {
  it("takes a good token", () => {
    expect(judgeResponse(answer, question, receivedAt)).toMatchObject({ kind: "token", serialHex: expect.any(String) });
  });

  it("finds a token that is about something else, under another policy, or not by whom we trust", () => {
    expect(faultOf({ messageImprint: imprintData("sha256", Buffer.from("another")) })).toContain("message-imprint");
    expect(faultOf({ nonce: Uint8Array.of(0x41) })).toContain("nonce");
    expect(faultOf({ policies: ["1.2.3"] })).toContain("policy");
    expect(faultOf({ trust: trustAnchors({ anchors: [] }) })).toContain("path");
  });

  it("finds a token with a wrong signature, and what is no answer", () => {
    const flipped = Buffer.from(answer);
    flipped[flipped.length - 1] = (flipped.at(-1) as number) ^ 1;
    expect(faultOf({}, flipped)).toContain("not good");
    expect(faultOf({}, Buffer.from("<html>"))).toContain("DER_MALFORMED");
  });

  it("finds a time before the request or after the answer, by more than the accuracy", () => {
    expect(faultOf({ sentAt: new Date(receivedAt.getTime() + 5_000) })).toContain("genTime");
    expect(faultOf({}, answer, new Date(question.sentAt.getTime() - 5_000))).toContain("genTime");
  });

  it("takes the refusals that are named, and no others", () => {
    const refused = (failInfo: PkiFailureInfo) => faultOf({}, timeStampResp.refused(failInfo, "no"));
    expect(refused("systemFailure")).toBe("refused");
    expect(refused("timeNotAvailable")).toBe("refused");
    expect(refused("badRequest")).toContain("2 of PKIFailureInfo");
    expect(refused("badDataFormat")).toContain("5 of PKIFailureInfo");
  });
});
