import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { openStore } from "@vcc-pki/store";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LineageTable } from "../src/store/lineage.ts";
import { SignatureTable } from "../src/store/signatures.ts";
import { UsageTable } from "../src/store/usages.ts";

const MIGRATIONS = new URL("../migrations/", import.meta.url);
const clock = fakeClock("2026-11-23T12:00:00Z");
let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "vcc-migration-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** A signature of a manifest with a base model and a dataset, and one of a digest. */
const BEFORE = `
  INSERT INTO signer_keys (signer_key, signer_key_id, organisation, signer, requester, request_id, content_sha256, key_algorithm, profile, created_at)
    VALUES (1, 'key', 'vcc', 'clara', '', '', x'00', 'ec-p256', 'code_signing', 0);
  INSERT INTO vcc_code_signatures (signature_id, organisation, signer_key, requester, format, artefact_digest, artefact_type, name, version,
      vcc_metadata, manifest, signed_attributes, signature_value, timestamp_token, gen_time)
    VALUES ('m', 'vcc', 1, 'anna', 'manifest', 'sha256:m', 'lora_adapter', 'adapter', '1',
        '{"baseModel":{"digest":"sha256:b"},"datasets":[{"name":"akten"}]}', x'01', x'02', x'03', x'04', 5),
      ('d', 'vcc', 1, 'anna', 'digest', 'sha256:d', NULL, NULL, NULL, NULL, NULL, x'06', x'07', x'08', 9);
`;

it("a database of manifests and digests keeps them, and knows what they say they were made from", async () => {
  const old = join(directory, "old");
  mkdirSync(old);
  copyFileSync(new URL("0001-initial.sql", MIGRATIONS), join(old, "0001-initial.sql"));
  const file = join(directory, "signing.db");
  const before = openStore({ file, migrations: pathToFileURL(`${old}/`), clock });
  before.db.exec(BEFORE);
  await before.close();

  const { db, close } = openStore({ file, migrations: MIGRATIONS, clock });
  const signatures = new SignatureTable(db);
  const lineage = new LineageTable(db);
  const octets = (octet: number) => Buffer.from([octet]);
  expect(signatures.findById("vcc", "m")).toMatchObject({
    ...{ signature: 1, format: "manifest", artefactDigest: "sha256:m", requester: "anna", genTime: new Date(5) },
    artefact: { type: "lora_adapter", name: "adapter", version: "1", content: octets(1) },
    ...{ signedAttributesDer: octets(2), signatureValue: octets(3), tokenDer: octets(4) },
  });
  expect(signatures.findById("vcc", "d")).toMatchObject({ format: "digest", artefact: undefined, tokenDer: octets(8) });
  expect(lineage.upstream("vcc", "sha256:m", 10)).toEqual([
    { artefactDigest: "sha256:m", relation: "base-model", name: undefined, digest: "sha256:b" },
    { artefactDigest: "sha256:m", relation: "dataset", name: "akten", digest: undefined },
  ]);
  await close();
});

it("a database of signatures that were used keeps how often, and what they were made from", async () => {
  const old = join(directory, "used");
  mkdirSync(old);
  for (const name of readdirSync(MIGRATIONS).filter((each) => each < "0005"))
    copyFileSync(new URL(name, MIGRATIONS), join(old, name));
  const file = join(directory, "used.db");
  const before = openStore({ file, migrations: pathToFileURL(`${old}/`), clock });
  before.db.exec(BEFORE.replace("manifest, signed", "content, signed"));
  before.db.exec(`
    INSERT INTO lineage (signature, organisation, artefact_digest, relation, source_name) VALUES (1, 'vcc', 'sha256:m', 'dataset', 'akten');
    INSERT INTO usages (signature, requester, request_id, content_sha256, action, context, used_at)
      VALUES (1, 'anna', 'r1', x'00', 'loaded', '', 7), (1, 'anna', 'r2', x'00', 'loaded', 'vllm', 8);
  `);
  await before.close();

  const { db, close } = openStore({ file, migrations: MIGRATIONS, clock });
  const usages = new UsageTable(db);
  expect(usages.counts(1)).toEqual({ verified: 0, loaded: 2, refused: 0 });
  expect(usages.list(1, 1)).toMatchObject([{ context: "vllm", times: 1, usedAt: new Date(8) }]);
  expect(new LineageTable(db).upstream("vcc", "sha256:m", 10)).toMatchObject([{ name: "akten" }]);
  expect(new SignatureTable(db).findById("vcc", "d")).toMatchObject({ format: "digest", signature: 2 });
  await close();
});
