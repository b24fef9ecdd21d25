import { describe, expect, it } from "vitest";
import { makeCa } from "../../test/authority.ts";
import { makeList } from "../../test/chain.ts";
import { GEN_TIME, makeUnit } from "../../test/time-stamping-unit.ts";
import { imprintData, type RevocationReason, type TrustedBy, trustAnchors, verifyTimeStampToken } from "../index.ts";

const root = makeCa("Root");
const ca = makeCa("TSA CA", {}, root);
const unit = makeUnit({ ca, template: { chain: [ca.certificate] } });
const messageImprint = imprintData("sha256", Buffer.from("data"));
const token = unit.stamp({ messageImprint });
const anchors = [root.certificate];
const day = (count: number) => new Date(GEN_TIME.getTime() + count * 86_400_000);

const failedChecks = (trusted: TrustedBy, stamped = token) =>
  verifyTimeStampToken(stamped, { messageImprint, trust: trustAnchors(trusted) }).checks.flatMap(
    ({ ok, name, reason }) => (ok ? [] : [[name, reason?.split(":")[0]]]),
  );
const crls = (reason: RevocationReason, revokedAt: Date) => [
  makeList(root, { thisUpdate: day(-1), nextUpdate: day(30) }),
  makeList(ca, {
    ...{ thisUpdate: day(20), nextUpdate: day(30) },
    revoked: [{ serial: unit.certificate.serial, revocationDate: revokedAt, reason }],
  }),
];

describe("trustAnchors", () => {
  it("trusts a unit below an anchor, with what the token carries or what is at hand", () => {
    expect(failedChecks({ anchors })).toEqual([]);
    const bare = makeUnit({ ca });
    const alone = bare.stamp({ messageImprint });
    expect(failedChecks({ anchors }, alone)).toEqual([["path", "noIssuer"]]);
    expect(failedChecks({ anchors, intermediates: [ca.certificate] }, alone)).toEqual([]);
  });

  it("does not trust what comes with a token", () => {
    expect(failedChecks({ anchors: [makeCa("Root").certificate] })).toEqual([["path", "signatureInvalid"]]);
    expect(failedChecks({ anchors: [] })).toEqual([["path", "noIssuer"]]);
  });

  it.each<[RevocationReason, number, boolean]>([
    ["superseded", -1, false],
    ["superseded", 1, true],
    ["cessationOfOperation", 1, true],
    ["keyCompromise", 1, false],
    ["unspecified", 1, false],
  ])("with %s %i days after the token: %s", (reason, days, isTrusted) => {
    const failures = failedChecks({ anchors, revocation: { crls: crls(reason, day(days)) }, requireRevocation: true });
    expect(failures).toEqual(isTrusted ? [] : [["revocation", "revoked"]]);
  });

  it("wants to know of revocation where that is asked for", () => {
    expect(failedChecks({ anchors, revocation: {}, requireRevocation: true })).toEqual([
      ["revocation", "revocationUnknown"],
    ]);
    expect(failedChecks({ anchors, revocation: {} })).toEqual([]);
  });
});
