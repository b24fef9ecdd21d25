import { writeFileSync } from "node:fs";
import {
  buildCertId,
  type CertStatus,
  issuerHashes,
  OID,
  ocspArchiveCutoff,
  parseOcspResponse,
  revocationAt,
  type SingleResponseFields,
  validatePath,
} from "@vcc-pki/x509";
import { CORRUPTED_PATHS, PATHS_ONLY_WE_ACCEPT, PATHS_ONLY_WE_REFUSE, SOUND_PATHS } from "@vcc-pki/x509/path-cases";
import { makeIssuer, makeList, makeUnit, signedBy } from "@vcc-pki/x509/test-chain";
import { buildChain, type Spec } from "@vcc-pki/x509/test-path-chain";
import { makeResponder } from "@vcc-pki/x509/test-responder";
import { expect, it } from "vitest";
import { findPython, PYTHON_MS, pytest } from "./python.ts";
import { newCaseDirectory } from "./written-cases.ts";

const { python, missing } = findPython("cryptography", "pytest");
const directory = newCaseDirectory();
const base64 = (octets: Uint8Array) => Buffer.from(octets).toString("base64");
const ders = (all: readonly { readonly der: Uint8Array }[]) => all.map(({ der }) => base64(der));

function pathCase(what: string, spec: Spec) {
  const { leaf, candidates, anchors, crls, at } = buildChain(spec);
  const purpose = spec.server ? OID.serverAuth : OID.timeStamping;
  const result = validatePath({
    ...{ certificate: leaf, candidates, anchors, at, purpose },
    ...{ revocation: { crls }, requireRevocation: true },
  });
  return {
    ...{ what, purpose, at: at.toISOString(), leaf: base64(leaf.der), candidates: ders(candidates) },
    ...{ anchors: ders(anchors), crls: ders(crls) },
    reasons: result.ok ? [] : result.reasons.map(({ reason }) => reason),
  };
}

const DAY_MS = 86_400_000;
const AT = new Date("2026-11-10T12:00:00Z");
const days = (count: number) => new Date(AT.getTime() + count * DAY_MS);
const signing = (commonName: string) => {
  const issuer = makeIssuer(commonName);
  return { ...issuer, sign: (tbsDer: Uint8Array) => signedBy(issuer, tbsDer) };
};
const ca = signing("CA");
const unit = makeUnit(ca, { notAfter: days(100) });
const NONE = new Uint8Array();

/** What is said by OCSP, by whom, and lists beside it. */
function ocspCases() {
  const { serial } = unit.certificate;
  const { sha1, sha256 } = issuerHashes(ca.certificate);
  const usual = makeResponder(ca);
  const other = signing("Other");
  const good = { status: "good" } as const;
  const revoked = (reason: "keyCompromise" | "superseded" | "certificateHold", day = -5): CertStatus => ({
    ...{ status: "revoked", revocationTime: days(day), reason },
  });
  const said = (status: CertStatus, change: Partial<SingleResponseFields> = {}, by = usual, producedAt = days(0)) => {
    const single = { certIdDer: buildCertId(sha1, serial), thisUpdate: days(-1), nextUpdate: days(6), ...change };
    return by.answer({ producedAt, responses: [{ ...single, ...status } as SingleResponseFields] });
  };
  const unvouched = makeResponder(ca, { extensions: { noCheck: NONE } });
  const listed = makeList(ca, { thisUpdate: days(-1), nextUpdate: days(6) });
  const rows: [string, Uint8Array[], boolean?][] = [
    ["good", [said(good)]],
    ["good by SHA-256", [said(good, { certIdDer: buildCertId(sha256, serial) })]],
    ["good before", [said(good, { thisUpdate: days(-9), nextUpdate: days(-2) }, usual, days(-9))]],
    ["good later", [said(good, { thisUpdate: days(5), nextUpdate: days(9) }, usual, days(5))]],
    ["unknown", [said({ status: "unknown" })]],
    ["revoked", [said(revoked("keyCompromise"))]],
    [
      "revoked later for a reason that leaves the past",
      [said(revoked("superseded", 2), { thisUpdate: days(3) }, usual, days(3))],
    ],
    ["revoked later for its key", [said(revoked("keyCompromise", 2), { thisUpdate: days(3) }, usual, days(3))]],
    ["on hold, and then good", [said(revoked("certificateHold")), said(good, { thisUpdate: days(1) }, usual, days(1))]],
    ["good, and then on hold", [said(good), said(revoked("certificateHold"), { thisUpdate: days(1) }, usual, days(1))]],
    ["about another certificate", [said(good, { certIdDer: buildCertId(sha1, Uint8Array.of(9)) })]],
    ["by another CA's responder", [said(good, {}, makeResponder(other))]],
    ["by who may not", [said(good, {}, makeResponder(ca, { extensions: { extendedKeyUsage: NONE } }))]],
    ["by a responder that had expired", [said(good, {}, makeResponder(ca, { notAfter: days(-1) }))]],
    ["by a responder that nobody vouches for", [said(good, {}, unvouched)]],
    ["by a responder that a list vouches for", [said(good, {}, unvouched)], true],
    ["after its certificate expired", [said(good, { thisUpdate: days(101), nextUpdate: days(107) }, usual, days(101))]],
    [
      "after its certificate expired, kept",
      [
        said(
          good,
          { thisUpdate: days(101), nextUpdate: days(107), extensions: [ocspArchiveCutoff(days(90))] },
          usual,
          days(101),
        ),
      ],
    ],
    ["with a flipped bit", [said(good).with(120, (said(good)[120] as number) ^ 1)]],
    ["nothing", []],
  ];
  return rows.map(([what, responses, withList = false]) => {
    const crls = withList ? [listed] : [];
    const ocspResponses = responses.flatMap((der) => {
      try {
        return [parseOcspResponse(der)];
      } catch {
        return [];
      }
    });
    const { status } = revocationAt(unit.certificate, ca.certificate, AT, { crls, ocspResponses });
    return { what, status, responses: responses.map(base64), crls: ders(crls) };
  });
}

it.skipIf(python === undefined)(
  `Python judges paths and revocation as libs/x509 does${python ? "" : ` (skipped: no Python has ${missing})`}`,
  async () => {
    const paths = [
      ...[...SOUND_PATHS, ...PATHS_ONLY_WE_ACCEPT].map(([what, spec]) => pathCase(what, spec)),
      ...[...CORRUPTED_PATHS, ...PATHS_ONLY_WE_REFUSE].map(([what, , spec]) => pathCase(what, spec)),
    ];
    const ocsp = {
      certificate: base64(unit.certificate.der),
      issuer: base64(ca.certificate.der),
      at: AT.toISOString(),
      cases: ocspCases(),
    };
    writeFileSync(`${directory}/paths.json`, JSON.stringify({ paths, ocsp }));
    expect(await pytest(python ?? "", ["tests/test_paths.py"], { VCC_CASES: directory })).toMatch(/^\d+ passed/);
  },
  PYTHON_MS,
);
