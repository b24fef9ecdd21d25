import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeIssuer, makeUnit } from "../../test/chain.ts";
import { rawExtension } from "../../test/crafted.ts";
import { openssl } from "../../test/openssl.ts";
import {
  buildExtension,
  type Certificate,
  certificatePolicies,
  inhibitAnyPolicy,
  OID,
  pemEncode,
  policyConstraints,
  TAG,
  validatePath,
} from "../index.ts";

const AT = new Date("2026-11-02T12:00:00Z");
const [P1, P2, P3] = ["1.3.6.1.4.1.55738.1", "1.3.6.1.4.1.55738.2", "1.3.6.1.4.1.55738.3"] as const;
const NAMES: Readonly<Record<string, string>> = { any: OID.anyPolicy, p1: P1, p2: P2 };

interface Policies {
  readonly states?: readonly string[] | undefined;
  /** From one policy to another. */
  readonly maps?: readonly [string, string] | undefined;
  readonly requireExplicitPolicy?: number | undefined;
  readonly inhibitAny?: number | undefined;
}

const oid = (name: string): string => NAMES[name] ?? P3;

/** PolicyMappings with one mapping. */
const policyMappings = ([from, to]: readonly [string, string]): Uint8Array =>
  buildExtension(OID.policyMappings, true, (writer) => {
    writer.oid(to);
    writer.oid(from);
    writer.wrap(TAG.SEQUENCE, 0);
    writer.wrap(TAG.SEQUENCE, 0);
  });

function extensionsOf({ states, maps, requireExplicitPolicy, inhibitAny }: Policies): Record<string, Uint8Array> {
  return {
    ...(states && { states: certificatePolicies(states.map(oid)) }),
    ...(maps && { maps: policyMappings([oid(maps[0]), oid(maps[1])]) }),
    ...(requireExplicitPolicy !== undefined && { explicit: policyConstraints({ requireExplicitPolicy }) }),
    ...(inhibitAny !== undefined && { inhibit: inhibitAnyPolicy(inhibitAny) }),
  };
}

interface Chain {
  readonly root: Certificate;
  readonly issuers: readonly Certificate[];
  readonly leaf: Certificate;
}

const root = makeIssuer("Root");

/** Root, a CA, that CA's new certificate under its old key if wanted, another CA, and a unit. */
function build(first: Policies, second: Policies, leaf: Policies, isRenewed = false): Chain {
  const old = makeIssuer("First", { extensions: extensionsOf(first) }, root);
  const middle = isRenewed ? makeIssuer("First", { extensions: extensionsOf({ states: ["any"] }) }, old) : old;
  const last = makeIssuer("Second", { extensions: extensionsOf(second) }, middle);
  const unit = makeUnit(last, { extensions: extensionsOf(leaf) });
  return {
    root: root.certificate,
    issuers: [old, middle, last].map(({ certificate }) => certificate),
    leaf: unit.certificate,
  };
}

function verdict({ root: anchor, issuers, leaf }: Chain, policies?: readonly string[]): string {
  const question = { certificate: leaf, candidates: issuers, anchors: [anchor], at: AT };
  const result = validatePath({ ...question, ...(policies && { policies: policies.map(oid) }) });
  return result.ok ? "ok" : result.reasons.map(({ reason }) => reason).join();
}

function opensslVerdict({ root: anchor, issuers, leaf }: Chain, policies?: readonly string[]): string {
  const files = {
    "root.pem": pemEncode("CERTIFICATE", anchor.der),
    "issuers.pem": issuers.map(({ der }) => pemEncode("CERTIFICATE", der)).join(""),
    "leaf.pem": pemEncode("CERTIFICATE", leaf.der),
  };
  const wanted = (policies ?? ["any"]).flatMap((policy) => ["-policy", oid(policy)]);
  const rules = [...wanted, "-inhibit_map", ...(policies ? ["-explicit_policy"] : [])];
  const time = ["-attime", String(AT.getTime() / 1000)];
  try {
    openssl(["verify", ...rules, ...time, "-CAfile", "root.pem", "-untrusted", "issuers.pem", "leaf.pem"], files);
    return "ok";
  } catch (error) {
    const { stdout = "" } = error as { stdout?: string };
    if (!stdout.includes("no explicit policy")) throw error;
    return "policy";
  }
}

const P = (...states: string[]): Policies => ({ states });

describe("certificate policies", () => {
  it.each<[string, [Policies, Policies, Policies], readonly string[] | undefined, string]>([
    ["nobody asks for", [{}, {}, {}], undefined, "ok"],
    ["the caller wants and all have", [P("p1", "p2"), P("p1"), P("p1")], ["p1"], "ok"],
    ["the caller wants one of", [P("p1", "p2"), P("p1"), P("p1")], ["p2", "p1"], "ok"],
    ["the caller wants and a CA has not", [P("p1"), P("p2"), P("p1")], ["p1"], "policy"],
    ["the caller wants another than", [P("p1"), P("p1"), P("p1")], ["p2"], "policy"],
    ["the caller wants and nobody has", [{}, {}, {}], ["p1"], "policy"],
    ["stand for any in CAs", [P("any"), P("any"), P("p1")], ["p1"], "ok"],
    ["stand for any in the end entity", [P("p1"), P("any"), P("any")], ["p1"], "ok"],
    ["no longer stand for any", [{ ...P("any"), inhibitAny: 0 }, P("any"), P("p1")], ["p1"], "policy"],
    ["stand for any once more", [{ ...P("any"), inhibitAny: 1 }, P("any"), P("p1")], ["p1"], "ok"],
    ["a CA demands from the start", [{ requireExplicitPolicy: 0 }, {}, {}], undefined, "policy"],
    ["a CA demands later than the path is long", [{ requireExplicitPolicy: 3 }, {}, {}], undefined, "ok"],
    ["a CA maps to another", [{ ...P("p1"), maps: ["p1", "p2"] }, P("p2"), P("p2")], ["p1"], "policy"],
    [
      "a CA maps to another, and the first goes on",
      [{ ...P("p1"), maps: ["p1", "p2"] }, P("p1"), P("p1")],
      ["p1"],
      "policy",
    ],
  ])("%s", (_, [first, second, leaf], policies, expected) => {
    const chain = build(first, second, leaf);
    expect([verdict(chain, policies), opensslVerdict(chain, policies)]).toEqual([expected, expected]);
  });

  it("of certificates that a CA issued to itself do not count down", () => {
    const chain = build({ ...P("any"), inhibitAny: 1 }, P("any"), P("p1"), true);
    expect([verdict(chain, ["p1"]), opensslVerdict(chain, ["p1"])]).toEqual(["ok", "ok"]);
    const inhibiting = build({ ...P("any"), inhibitAny: 0 }, P("p1"), P("p1"), true);
    expect([verdict(inhibiting, ["p1"]), opensslVerdict(inhibiting, ["p1"])]).toEqual(["ok", "ok"]);
  });

  it("a CA demands from itself when it is the last", () => {
    const last = (requireExplicitPolicy: number) => ({
      ...{ root: root.certificate, issuers: [] },
      leaf: makeIssuer("Last", { extensions: extensionsOf({ requireExplicitPolicy }) }, root).certificate,
    });
    expect(verdict(last(0))).toBe("policy");
    expect(verdict(last(1))).toBe("ok");
  });

  it("of the anchor limit the path, too", () => {
    const anchor = makeIssuer("Limited", { extensions: extensionsOf(P("p2")) });
    const ca = makeIssuer("CA", { extensions: extensionsOf(P("p1", "p2")) }, anchor);
    const chain = (name: string) => ({
      ...{ root: anchor.certificate, issuers: [ca.certificate] },
      leaf: makeUnit(ca, { extensions: extensionsOf(P(name)) }).certificate,
    });
    expect(verdict(chain("p1"), ["p1"])).toBe("policy");
    expect(verdict(chain("p2"), ["p2"])).toBe("ok");
  });

  it("must not be mapped from or to any policy, and mappings must be some", () => {
    for (const maps of [
      ["any", "p1"],
      ["p1", "any"],
    ] as const) {
      expect(verdict(build({ ...P("p1"), maps }, P("p1"), P("p1")))).toBe("malformed");
    }
    const broken = makeIssuer("Broken", { extensions: { maps: rawExtension(OID.policyMappings, true, "3000") } }, root);
    const chain = { root: root.certificate, issuers: [broken.certificate], leaf: makeUnit(broken).certificate };
    expect(verdict(chain)).toContain("malformed");
  });

  it("whatever the extensions, are decided as by OpenSSL", () => {
    const states = fc.option(fc.uniqueArray(fc.constantFrom("any", "p1", "p2", "p3"), { minLength: 1, maxLength: 3 }), {
      nil: undefined,
    });
    const count = fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined, freq: 2 });
    const name = fc.constantFrom("p1", "p2");
    const issuer = fc.record({
      states,
      maps: fc.option(fc.tuple(name, name), { nil: undefined, freq: 2 }),
      requireExplicitPolicy: count,
      inhibitAny: count,
    });
    const wanted = fc.option(fc.uniqueArray(fc.constantFrom("any", "p1", "p2"), { minLength: 1 }), { nil: undefined });
    fc.assert(
      fc.property(
        issuer,
        issuer,
        fc.record({ states }),
        wanted,
        fc.boolean(),
        (first, second, leaf, policies, isRenewed) => {
          const chain = build(first, second, leaf, isRenewed);
          expect(verdict(chain, policies)).toBe(opensslVerdict(chain, policies));
        },
      ),
      { numRuns: 100 },
    );
  });
});
