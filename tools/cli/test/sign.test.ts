import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { newSigningDoor, type SigningDoor } from "@vcc-pki/gateway/signing-harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cli, newCli } from "./cli.ts";

let door: SigningDoor;
let pki: Cli;
let cli: Cli;
beforeAll(async () => {
  door = await newSigningDoor();
  const suite = { ...door, trustPem: door.rootPem + door.trustPem };
  [pki, cli] = [newCli(suite), newCli(suite, "vcc-sign")];
  writeFileSync(join(cli.home, "trust/suite-root.pem"), door.rootPem);
  writeFileSync(join(cli.home, "trust/bundle.pem"), (await door.knock({ path: "/api/v1/trust/bundle" })).text);
  await pki.run("signer", "create", "clara");
});
afterAll(() => door.close());

let count = 0;
function newPackage(): string {
  const directory = cli.file(`package${++count}`);
  mkdirSync(`${directory}/recht`, { recursive: true });
  writeFileSync(`${directory}/recht/__init__.py`, "print('hello')\n");
  writeFileSync(`${directory}/pyproject.toml`, "[project]\n");
  return directory;
}
const sign = (...args: string[]) => cli.run("sign", "--no-cache", "--signer", "clara", ...args);
/** What `openssl cms` says of a signed directory. */
const openssl = (directory: string) => {
  const files = ["-in", `${directory}/SHA256SUMS.p7s`, "-content", `${directory}/SHA256SUMS`, "-out", "/dev/null"];
  const trust = ["-CAfile", `${cli.home}/trust/suite-root.pem`, "-purpose", "any"];
  const words = ["cms", "-verify", "-cades", "-binary", "-inform", "DER", ...files, ...trust];
  return spawnSync("openssl", words, { encoding: "utf8" });
};
const sha256sum = (directory: string) =>
  spawnSync("sha256sum", ["-c", "--strict", "--quiet", "SHA256SUMS"], { cwd: directory }).status;

describe("vcc-pki signer", () => {
  it("makes a signer, shows it, and makes no second one under the same request id", async () => {
    const words = ["signer", "create", "veritas", "--request-id", "signer-of-veritas", "--json"];
    const [first, again] = [await pki.run(...words), await pki.run(...words)];
    expect([first.exit, again.exit, again.json()]).toEqual([0, 0, first.json()]);
    const { out } = await pki.run("signer", "list");
    expect(out).toMatch(/\nveritas +active +ec-p256 +code_signing +20/);
  });

  it("retires one, but not without being asked to", async () => {
    const { signer_key_id: id } = (await pki.run("signer", "create", "vpb", "--json")).json() as {
      signer_key_id: string;
    };
    expect((await pki.run("signer", "retire", id)).exit).toBe(2);
    expect((await pki.run("signer", "retire", id, "--yes", "--json")).json()).toMatchObject({ state: "retired" });
  });
});

describe("vcc-sign sign", () => {
  it("signs a package where it is; OpenSSL and sha256sum verify it, and no longer when it is changed", async () => {
    const directory = newPackage();
    const { exit, out, err } = await sign("--package", directory, "--artefact-version", "1.2");
    expect([exit, err]).toEqual([0, expect.stringContaining("hashing")]);
    expect(out).toMatch(/^files +2 \(25 B\)$/m);
    expect(openssl(directory).stderr).toContain("successful");
    expect(sha256sum(directory)).toBe(0);
    appendFileSync(`${directory}/SHA256SUMS`, "#\n");
    expect(openssl(directory).status).not.toBe(0);
    expect((await sign("--package", directory)).exit).toBe(2);
    expect((await sign("--package", directory, "--force")).exit).toBe(0);
    writeFileSync(`${directory}/pyproject.toml`, "[tool]\n");
    expect(sha256sum(directory)).toBe(1);
  });

  it("makes a signed copy of what was hashed, as the roadmap writes it, and leaves the original as it is", async () => {
    const directory = newPackage();
    const output = cli.file("signed");
    expect((await sign("--package", directory, "--output", output)).exit).toBe(0);
    const copy = join(output, basename(directory));
    expect([existsSync(`${directory}/SHA256SUMS`), sha256sum(copy)]).toEqual([false, 0]);
    expect(openssl(copy).stderr).toContain("successful");
    execFileSync("diff", ["-r", "--exclude=SHA256SUMS*", directory, copy]);
    expect((await sign("--package", directory, "--output", output)).exit).toBe(7);
  });

  it("signs an adapter with what it was trained on, and refuses one without, or with pickles", async () => {
    const model = cli.file(`adapter${++count}`);
    mkdirSync(model);
    writeFileSync(`${model}/adapter_config.json`, '{"peft_type":"LORA","base_model_name_or_path":"llama"}');
    writeFileSync(`${model}/adapter_model.safetensors`, safetensors());
    expect((await sign("--model", model)).exit).toBe(3);
    const said = { baseModel: { digest: `sha256:${"ab".repeat(32)}` }, riskClass: "limited" };
    const metadata = ["--metadata", cli.file("metadata.json", JSON.stringify(said))];
    expect((await sign("--model", model, ...metadata)).exit).toBe(0);
    expect(readFileSync(`${model}/SHA256SUMS`, "utf8")).toContain(`"type":"lora_adapter"`);
    writeFileSync(`${model}/extra.pkl`, "\x80\x04.");
    const pickled = await sign("--model", model, ...metadata, "--force");
    expect([pickled.exit, pickled.err]).toEqual([3, expect.stringContaining("ARTEFACT_NOT_ADMITTED")]);
  });

  it("draws what was made from an artefact, and recalls it when it is told to", async () => {
    const directory = newPackage();
    appendFileSync(`${directory}/pyproject.toml`, "# to be recalled\n");
    await sign("--package", directory);
    const { artefact_digest } = (await cli.run("lineage", directory, "--json")).json() as { artefact_digest: string };
    expect((await cli.run("lineage", artefact_digest)).out).toContain(artefact_digest);
    const recall = (...words: string[]) => cli.run("recall", directory, "--reason", "a test", ...words);
    expect((await recall("--dry-run")).out).toMatch(/artefacts +1\n/);
    expect((await recall()).exit).toBe(2);
    expect((await recall("--yes", "--json")).json()).toMatchObject({ count: 1, artefact_digests: [artefact_digest] });
    expect((await sign("--package", directory, "--force")).err).toContain("ARTEFACT_RECALLED");
    expect((await cli.run("recall", "--reason", "nothing")).exit).toBe(2);
    expect((await cli.run("lineage", cli.file("nowhere"))).exit).toBe(2);
  });

  const verify = (...args: string[]) => cli.run("verify", "--offline", "--no-cache", "--json", ...args);
  const faults = ({ exit, json }: Awaited<ReturnType<typeof verify>>) => {
    const { checks } = json() as unknown as { checks: { ok: boolean; code?: string }[] };
    return [exit, ...checks.flatMap(({ code }) => code ?? [])];
  };

  it.each(["oms", "sigstore", "attestation"])("signs a directory as %s, and one file", async (format) => {
    const directory = newPackage();
    const signed = await sign("--package", directory, "--format", format, "--json");
    expect(signed.json()).toMatchObject({ format, files: 2 });
    expect([existsSync(`${directory}/model.sig`), existsSync(`${directory}/SHA256SUMS`)]).toEqual([true, false]);
    expect(faults(await verify("--package", directory))).toEqual([0]);
    expect((await sign("--package", directory, "--format", format)).exit).toBe(2);
    appendFileSync(`${directory}/pyproject.toml`, "#");
    expect(faults(await verify("--package", directory))).toEqual([3, "RESOURCE_CHANGED"]);
    const file = cli.file(`notes${++count}.txt`, "notes\n");
    expect((await sign("--path", file, "--type", "file", "--format", format)).exit).toBe(0);
    expect(existsSync(`${file}.sigstore.json`)).toBe(true);
    expect(faults(await verify("--package", file))).toEqual([0]);
  });

  it("attests a distribution as PEP 740 has it, where twine looks for it", async () => {
    const wheel = cli.file("recht-1.0-py3-none-any.whl", "wheel");
    const signed = await sign("--package", wheel, "--format", "attestation", "--json");
    expect([signed.exit, signed.json()]).toMatchObject([0, { format: "publish", files: 1 }]);
    const object = JSON.parse(readFileSync(`${wheel}.publish.attestation`, "utf8"));
    expect(Object.keys(object)).toEqual(["version", "verification_material", "envelope"]);
    expect(faults(await verify("--package", wheel))).toEqual([0]);
    appendFileSync(wheel, "#");
    expect(faults(await verify("--package", wheel))).toEqual([3, "RESOURCE_CHANGED"]);
    const metadata = ["--metadata", cli.file("said.json", '{"riskClass":"minimal"}')];
    expect((await sign("--package", wheel, "--format", "attestation", ...metadata, "--force")).exit).toBe(2);
  });

  it("signs a model in shards when a file of it is large, verifies it, and says by which digest it is recalled", async () => {
    const model = cli.file("large-model");
    mkdirSync(model);
    writeFileSync(`${model}/model.safetensors`, safetensors(2 << 20));
    writeFileSync(`${model}/config.json`, "{}");
    const metadata = ["--metadata", cli.file("large.json", '{"riskClass":"limited"}')];
    const words = ["--model", model, "--format", "oms", ...metadata, "--json"];
    const whole = (await sign(...words, "--shards", "8MiB")).json();
    const sharded = (await sign(...words, "--shards", "1MiB", "--force")).json();
    expect(sharded).toMatchObject({
      files: 2,
      format: "oms",
      artefact_digest: expect.not.stringMatching(`${whole.artefact_digest}`),
    });
    const { dsseEnvelope } = JSON.parse(readFileSync(`${model}/model.sig`, "utf8"));
    const { serialization } = JSON.parse(Buffer.from(dsseEnvelope.payload, "base64").toString()).predicate;
    expect(serialization).toMatchObject({ method: "shards", shard_size: 1 << 20 });
    const checked = () => cli.run("verify", "--model", model, "--offline", "--no-cache", "--json");
    expect(faults(await checked())).toEqual([0]);
    const recall = await cli.run("recall", model, "--reason", "x", "--dry-run", "--json");
    expect(recall.json().artefact_digests).toEqual([sharded.artefact_digest]);
    appendFileSync(`${model}/config.json`, " ");
    expect(faults(await checked())).toContain("RESOURCE_MISSING");
    expect((await sign(...words, "--force", "--shards", "1GB", "--format", "cms")).exit).toBe(2);
  });

  it("signs a container's image by its digest alone", async () => {
    const digest = `sha256:${"5a".repeat(32)}`;
    const [name, signature] = ["registry.vcc.internal/argus", cli.file("argus.sigstore.json")];
    const image = ["--digest", digest, "--signature", signature];
    const signed = await sign(...image, "--name", name, "--json");
    expect([signed.exit, signed.json()]).toMatchObject([0, { artefact_digest: digest, path: signature }]);
    expect(faults(await verify(...image))).toEqual([0]);
    const other = `sha256:${"5b".repeat(32)}`;
    expect(faults(await verify("--digest", other, "--signature", signature))).toEqual([3, "RESOURCE_CHANGED"]);
    expect((await sign(...image, "--name", name)).exit).toBe(2); // it is there
    for (const words of [
      ["--digest", digest],
      ["--digest", "5a"],
      [...image, "--name", name, "--path", "."],
    ])
      expect((await sign(...words)).exit).toBe(2);
    expect((await verify("--digest", digest)).exit).toBe(2);
    expect((await verify("--digest", digest, "--signature", cli.file("nowhere"))).exit).toBe(4);
  });

  it("verifies what it has signed", async () => {
    const directory = newPackage();
    await sign("--package", directory, "--artefact-version", "2");
    const verify = () => cli.run("verify", "--package", directory, "--offline", "--no-cache", "--json");
    const { exit, err, json } = await verify();
    expect([exit, err]).toEqual([0, ""]);
    expect(json()).toMatchObject({ ok: true });
    appendFileSync(`${directory}/recht/__init__.py`, "#");
    expect((await verify()).exit).toBe(3);
  });

  it.each<[string, () => string[]]>([
    ["nothing", () => []],
    ["two things", () => ["--package", "a", "--model", "b"]],
    ["what is not there", () => ["--package", cli.file("nowhere")]],
    ["a path of no type", () => ["--path", newPackage()]],
    ["metadata that are none", () => ["--package", newPackage(), "--metadata", cli.file("bad.json", "{")]],
  ])("refuses %s before it asks anybody", async (_what, words) => {
    expect((await sign(...words())).exit).toBe(2);
  });

  it("signs for an organisation that one is a member of, when it is named", async () => {
    const operator = newCli({ ...door, admin: door.operator, trustPem: door.rootPem + door.trustPem }, "vcc-sign");
    const bundle = readFileSync(join(cli.home, "trust/bundle.pem"));
    writeFileSync(join(operator.home, "trust/bundle.pem"), bundle);
    const words = ["--no-cache", "--package", newPackage(), "--signer", "clara"];
    expect((await operator.run("sign", ...words)).exit).toBe(4);
    const signed = await operator.run("sign", ...words, "--organisation", "brandenburg", "--json");
    expect([signed.exit, signed.json()]).toMatchObject([0, { signer: "clara" }]);
    const lineage = ["lineage", String(signed.json().artefact_digest), "--organisation"];
    expect((await operator.run(...lineage, "brandenburg")).exit).toBe(0);
    expect((await operator.run(...lineage, "atlantis")).exit).toBe(4);
  });

  it("signs nothing in the name of nobody", async () => {
    const directory = newPackage();
    const answer = await cli.run("sign", "--package", directory, "--signer", "nobody", "--no-cache");
    expect([answer.exit === 0, existsSync(`${directory}/SHA256SUMS`)]).toEqual([false, false]);
  });
});

/** A file of one tensor: the length of its header, the header, so many octets. */
function safetensors(octets = 4): Buffer {
  const header = JSON.stringify({ w: { dtype: "F32", shape: [octets / 4], data_offsets: [0, octets] } });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, Buffer.from(header), Buffer.alloc(octets)]);
}
