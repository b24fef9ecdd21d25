import { hash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  buildBundle,
  buildOmsStatement,
  buildPublishAttestation,
  MIN_SHARD_OCTETS,
  type Shard,
  VERDICTS,
} from "@vcc-pki/artefact";
import { ATTESTATION_CASES, allowing } from "@vcc-pki/artefact/attestation-cases";
import { BUNDLE_CORRUPTIONS, sound as soundBundle } from "@vcc-pki/artefact/bundle-corruptions";
import { lists, MANIFEST_CORRUPTIONS, serial, sound, strict } from "@vcc-pki/artefact/manifest-corruptions";
import { RECALL_CASES } from "@vcc-pki/artefact/recall-cases";
import { ADAPTER, ADAPTER_FACTS, resourcesOf, shardsOf } from "@vcc-pki/artefact/test-adapter";
import {
  signer as artefactSigner,
  issuerOf,
  policy,
  servicesCa,
  signersCa,
  trust,
  type verify,
} from "@vcc-pki/artefact/test-relying-party";
import { materialOf, signBundle } from "@vcc-pki/artefact/test-signed-bundle";
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
import { findPython, PYTHON_MS, pytest } from "./python.ts";
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

  writeCases(directory, "shards", shardCases());
  writeCases(directory, "publications", publicationCases());

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

/** A directory that was signed in shards, beside what may be there; and statements that say it otherwise. */
function shardCases(): NamedQuestion[] {
  const files = { "a.txt": Buffer.from("x\n"), "a.bin": Buffer.alloc(MIN_SHARD_OCTETS + 5, "a") };
  const inShards = (of: Record<string, Buffer>, size = MIN_SHARD_OCTETS): Shard[] =>
    Object.entries(of).flatMap(([path, content]) => shardsOf(path, content, size));
  const shards = { shape: "directory", shardOctets: MIN_SHARD_OCTETS, shards: inShards(files) } as const;
  const statement = buildOmsStatement({ ...shards, facts: ADAPTER_FACTS });
  const material = materialOf(signBundle(statement));
  const { "a.bin": bin, ...others } = files;
  const there = (of: Record<string, Buffer>, size?: number): NamedQuestion[1]["observed"] => ({
    ...{ ...shards, shards: inShards(of, size), shardOctets: size ?? MIN_SHARD_OCTETS },
  });
  const whole = Object.entries(files).map(([path, content]) => ({ path, sha256Hex: hash("sha256", content) }));
  const empty = { path: "empty", start: 0, end: 0, sha256Hex: hash("sha256", "") };
  const said = (from: string | RegExp, to: string) =>
    materialOf(signBundle(Buffer.from(statement.toString().replace(from, to))));
  const rows: [string, Partial<NamedQuestion[1]>][] = [
    ["nothing wrong", {}],
    [
      "a changed shard",
      { observed: there({ ...files, "a.bin": Buffer.concat([bin.subarray(0, -1), Buffer.from("b")]) }) },
    ],
    ["a missing file", { observed: there(others) }],
    ["a missing shard", { observed: there({ ...files, "a.bin": bin.subarray(0, MIN_SHARD_OCTETS) }) }],
    ["a further file", { observed: there({ ...files, c: Buffer.from("c") }) }],
    ["a renamed file", { observed: there({ ...others, "b.bin": bin }) }],
    ["an empty file more", { observed: { ...shards, shards: [...shards.shards, empty] } }],
    ["other shards", { observed: there(files, 2 * MIN_SHARD_OCTETS) }],
    ["whole files", { observed: { shape: "directory", resources: whole } }],
    ["a gap", { material: said("a.bin:1048576", "a.bin:1048577") }],
    ["a name without octets", { material: said("a.txt:0:2", "a.txt") }],
    ["octets written otherwise", { material: said("a.txt:0:2", "a.txt:00:2") }],
    ["small shards", { material: said('"shard_size":1048576', '"shard_size":1048575') }],
    ["a size that is a fraction", { material: said('"shard_size":1048576', '"shard_size":1048576.5') }],
    ["a size beyond all bounds", { material: said('"shard_size":1048576', '"shard_size":1e999') }],
    ["a size that is no number", { material: said('"shard_size":1048576', '"shard_size":true') }],
    ["another algorithm", { material: said("sha256-sharded-1048576", "sha256") }],
    ["a size written otherwise", { material: said('"shard_size":1048576', '"shard_size":1048576.0') }],
    ["links", { material: said('"allow_symlinks":false', '"allow_symlinks":true') }],
  ];
  return rows.map(([what, change]) => [what, complete({ material, observed: shards, ...change })]);
}

/** A distribution with an attestation of PEP 740. */
function publicationCases(): NamedQuestion[] {
  const wheel = "clara_core-1.0-py3-none-any.whl";
  const statement = buildPublishAttestation(resourcesOf({ [wheel]: "wheel" }));
  const sign = (payload: Uint8Array) =>
    signBundle(payload, { form: "pep740", certificates: [artefactSigner.certificate] });
  const sound = sign(statement);
  const said = (from: string, to: string) => sign(Buffer.from(statement.toString().replace(from, to)));
  const text = (from: string, to: string) => Buffer.from(buildBundle(sound).toString().replace(from, to));
  const allowing = { ...policy, types: ["python_package"] } as typeof policy;
  const rows: [string, Partial<NamedQuestion[1]>][] = [
    ["nothing wrong", {}],
    ["another file", { observed: { shape: "file", resources: resourcesOf({ [wheel]: "x" }) } }],
    ["another name", { observed: { shape: "file", resources: resourcesOf({ "a-1-py3-none-any.whl": "wheel" }) } }],
    ["another type", { policy: { ...policy, types: ["untyped", "file"] } }],
    ["no time stamp", { material: materialOf({ ...sound, timeStamps: [] }) }],
    ["two time stamps", { material: materialOf({ ...sound, timeStamps: [...sound.timeStamps, ...sound.timeStamps] }) }],
    ["a predicate", { material: materialOf(said('"predicate":null', '"predicate":{"by":"me"}')) }],
    ["no distribution", { material: materialOf(said(wheel, "clara.exe")) }],
    ["another version", { material: { format: "bundle", bundle: text('"version":1', '"version":2') } }],
    ["a version that is true", { material: { format: "bundle", bundle: text('"version":1', '"version":true') } }],
    ["a name more", { material: { format: "bundle", bundle: text('"version":1', '"version":1,"x":1') } }],
  ];
  const trusting = { ...trust, intermediates: [signersCa.certificate] };
  const observed = { shape: "file", resources: resourcesOf({ [wheel]: "wheel" }) } as const;
  return rows.map(([what, change]) => [
    what,
    complete({ ...{ material: materialOf(sound), observed, policy: allowing, trust: trusting }, ...change }),
  ]);
}

it.skipIf(python === undefined)(
  `verification in Python says what verification in TypeScript says${python ? "" : ` (skipped: no Python has ${missing})`}`,
  async () => {
    expect(await pytest(python ?? "", ["tests/test_verification.py"], { VCC_CASES: directory })).toMatch(/^\d+ passed/);
  },
  PYTHON_MS,
);
