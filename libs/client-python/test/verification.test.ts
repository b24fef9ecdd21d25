import { hash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { VERDICTS } from "@vcc-pki/artefact";
import { ATTESTATION_CASES, allowing } from "@vcc-pki/artefact/attestation-cases";
import { BUNDLE_CORRUPTIONS, sound as soundBundle } from "@vcc-pki/artefact/bundle-corruptions";
import { lists, MANIFEST_CORRUPTIONS, serial, sound, strict } from "@vcc-pki/artefact/manifest-corruptions";
import { RECALL_CASES } from "@vcc-pki/artefact/recall-cases";
import { ADAPTER } from "@vcc-pki/artefact/test-adapter";
import { issuerOf, policy, servicesCa, signersCa, trust, type verify } from "@vcc-pki/artefact/test-relying-party";
import { materialOf } from "@vcc-pki/artefact/test-signed-bundle";
import { TIME_STAMP_CHECKS } from "@vcc-pki/x509";
import {
  CADES_CORRUPTIONS,
  CONTENT,
  unit as cadesUnit,
  signer,
  sound as soundCms,
} from "@vcc-pki/x509/cades-corruptions";
import { GEN_TIME, TEST_POLICY } from "@vcc-pki/x509/test-time-stamping-unit";
import { DATA, sound as soundToken, TIME_STAMP_CORRUPTIONS, unit } from "@vcc-pki/x509/time-stamp-corruptions";
import { beforeAll, expect, it } from "vitest";
import { findPython, pytest } from "./python.ts";
import { type NamedQuestion, newCaseDirectory, writeCases } from "./written-cases.ts";

/* Python is asked what TypeScript is asked, corruption by corruption, and has to give the same verdicts with the same codes. */

const { python, missing } = findPython("cryptography", "pytest");
const directory = newCaseDirectory();

/** As in the tests of libs/artefact: about the adapter as it was signed, but for what is asked otherwise. */
const complete = (question: Parameters<typeof verify>[0]): NamedQuestion[1] => ({
  ...{ trust, policy },
  observed: { shape: "directory", resources: ADAPTER.resources },
  ...question,
});

beforeAll(() => {
  const retired = {
    serial,
    revocationDate: new Date(GEN_TIME.getTime() + 5 * 86_400_000),
    reason: "superseded",
  } as const;
  writeCases(directory, "manifests", [
    ["nothing wrong", complete({ material: sound })],
    ["lists that show nobody revoked", complete({ material: sound, trust: lists(), policy: strict })],
    ["a signer that was retired later", complete({ material: sound, trust: lists(retired), policy: strict })],
    ...MANIFEST_CORRUPTIONS.map(([what, question]): NamedQuestion => [what, complete(question)]),
  ]);

  const certificateOnly = { ...trust, intermediates: [signersCa.certificate, servicesCa.certificate] };
  const bundles = [{ what: "nothing wrong", bundle: soundBundle }, ...BUNDLE_CORRUPTIONS];
  writeCases(
    directory,
    "bundles",
    bundles.flatMap(({ what, bundle }): NamedQuestion[] => [
      [what, complete({ material: materialOf(bundle) })],
      [
        `${what}, in the strict form`,
        complete({ material: materialOf({ ...bundle, form: "certificate" }), trust: certificateOnly }),
      ],
    ]),
  );
  writeCases(
    directory,
    "attestations",
    ATTESTATION_CASES.map(([what, question]) => [what, complete({ ...question, policy: allowing })]),
  );
  writeCases(
    directory,
    "recalls",
    RECALL_CASES.map(([what, recall]) => [
      what,
      complete({ material: sound, recall, policy: { ...policy, recall: "required" } }),
    ]),
  );

  const digest = { shape: "digest", hash: "sha256", digest: hash("sha256", CONTENT, "buffer") } as const;
  const cades = {
    observed: digest,
    trust: { anchors: [signer.ca.certificate], timeStampAnchors: [cadesUnit.ca.certificate] },
    policy: {
      ...{ issuers: [issuerOf(signer.ca)], identities: ["spiffe://vcc.internal/org/brandenburg/service/*"] },
      ...{ organisation: "brandenburg", types: ["untyped"], revocation: "where-known", recall: "where-known" },
    },
  } satisfies Partial<NamedQuestion[1]>;
  writeCases(directory, "signatures", [
    ["nothing wrong", { ...cades, material: { format: "cms", cms: soundCms } }],
    ...CADES_CORRUPTIONS.map(({ what, signature }): NamedQuestion => {
      return [what, { ...cades, material: { format: "cms", cms: signature } }];
    }),
  ]);
  writeFileSync(
    join(directory, "time-stamps.json"),
    JSON.stringify({
      ...{ data: DATA.toString("base64"), nonce: "123456789a", policy: TEST_POLICY, checks: TIME_STAMP_CHECKS },
      ...{ anchor: Buffer.from(unit.ca.certificate.der).toString("base64") },
      sound: Buffer.from(soundToken).toString("base64"),
      corruptions: TIME_STAMP_CORRUPTIONS.map(({ what, token, check }) => ({
        ...{ what, check, token: Buffer.from(token).toString("base64") },
      })),
    }),
  );
  writeFileSync(join(directory, "verdicts.json"), JSON.stringify(VERDICTS));
});

it.skipIf(python === undefined)(
  `verification in Python says what verification in TypeScript says${python ? "" : ` (skipped: no Python has ${missing})`}`,
  async () => {
    expect(await pytest(python ?? "", ["tests/test_verification.py"], { VCC_CASES: directory })).toMatch(/^\d+ passed/);
  },
);
