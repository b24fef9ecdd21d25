import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { newTsa, POLICY, type TsaHarness } from "@vcc-pki/tsa/harness";
import { parseTimeStampResp, parseTimeStampToken, pemEncode, TIME_STAMP_CHECKS, timeStampResp } from "@vcc-pki/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cli, newCli } from "./cli.ts";
import { newForeignTsa } from "./foreign-tsa.ts";

const [GATEWAY_PORT, TSA_PORT] = [8443, 8082];
const UNITS = [
  { name: "main", policies: [POLICY.main, POLICY.other] },
  { name: "trial", policies: [POLICY.test], test: true },
];

const foreign = newForeignTsa();
let tsa: TsaHarness;
let cli: Cli;
beforeAll(async () => {
  tsa = await newTsa({ config: { units: UNITS } });
  const port = tsa.tsa.httpPort - TSA_PORT + GATEWAY_PORT;
  const trustPem = pemEncode("CERTIFICATE", (await tsa.root()).der);
  // Somebody with a root to trust and no certificate of their own.
  cli = newCli({ admin: { chainPem: "", keyPem: "" }, trustPem, port });
});
afterAll(() => tsa.close());

let count = 0;
const newFile = (content: string) => cli.file(`${++count}.txt`, content);
const stamp = (...args: string[]) => cli.run("tsa", "stamp", ...args);
const verify = (...args: string[]) => cli.run("tsa", "verify", ...args);
const tokenOf = (file: string) =>
  parseTimeStampToken(parseTimeStampResp(readFileSync(`${file}.tsr`)).tokenDer ?? new Uint8Array());
/** Names of the checks that fail, and the exit code. */
const faults = async (...args: string[]) => {
  const { exit, json } = await verify(...args, "--json");
  const { ok, checks, gen_time } = json() as { ok: boolean; checks: Check[]; gen_time?: string };
  expect([ok, gen_time === undefined]).toEqual([exit === 0, exit !== 0]);
  return [exit, ...checks.filter((check) => !check.ok).map(({ name }) => name)];
};
interface Check {
  readonly name: string;
  readonly ok: boolean;
}

describe("tsa stamp", () => {
  it("finds the tsa of the local suite, and writes an answer that verifies", async () => {
    const file = newFile("contract");
    const { exit, out, err } = await stamp(file);
    expect([exit, err]).toEqual([0, ""]);
    expect(out).toMatch(
      /^file +\S+\nanswer +\S+\.tsr\ntime +2026-11-23T12:00:00.250Z \(within 1000 ms\)\npolicy +1\.3/,
    );
    const { signedData, tstInfo } = tokenOf(file);
    expect([signedData.certificates.length > 0, tstInfo.nonce?.length]).toEqual([true, 16]);

    const verified = await verify(file);
    expect([verified.exit, verified.err]).toEqual([0, ""]);
    expect(verified.out).toMatch(/^time stamp holds\n/);
    for (const name of [...TIME_STAMP_CHECKS, "path"])
      expect(verified.out).toMatch(new RegExp(`^${name} +holds$`, "m"));
    expect(verified.out).toMatch(/^revocation +- +not looked at: offline$/m);
  });

  it.each(["sha256", "sha384", "sha512"])("hashes with %s, under the policy that is asked for", async (hash) => {
    const file = newFile(hash);
    const { exit, json } = await stamp(file, "--hash", hash, "--policy", POLICY.other, "--json");
    expect(exit).toBe(0);
    expect(json()).toMatchObject([{ file, tsr: `${file}.tsr`, hash, policy: POLICY.other, test_unit: false }]);
    expect(tokenOf(file).tstInfo.messageImprint.hash).toBe(hash);
    expect(await faults(file)).toEqual([0]);
  });

  it("stamps several files, of 300 MB, too", async () => {
    const [small, large] = [newFile("small"), cli.file("large", Buffer.alloc(300 * 1024 * 1024, 7))];
    const { exit, out, err } = await stamp(small, large, small);
    expect([exit, out.match(/^file /gm)?.length, err]).toEqual([0, 2, `hashing ${large}\n`]);
    expect(await faults(small)).toEqual([0]);
    expect(await faults(large)).toEqual([0]);
    rmSync(large);
  });

  it("says that a unit is for trying out", async () => {
    const file = newFile("trial");
    const said = `${file}: stamped by a unit for trying out (test); its time proves nothing\n`;
    expect(await stamp(file, "--url", `${tsa.url}/tsa/trial`)).toMatchObject({ exit: 0, err: said });
    expect(await verify(file)).toMatchObject({ exit: 0, err: said });
    expect((await verify(file, "--json")).json()).toMatchObject({ test_unit: true });
  });

  it("never replaces an answer unless forced, nor asks when a file cannot be read", async () => {
    const [first, second] = [newFile("first"), newFile("second")];
    expect((await stamp(first)).exit).toBe(0);
    const before = readFileSync(`${first}.tsr`);
    expect((await stamp(second, first)).exit).toBe(2);
    expect((await stamp(second, cli.file("absent"))).exit).toBe(2);
    expect((await stamp(second, cli.home)).exit).toBe(2);
    expect(existsSync(`${second}.tsr`)).toBe(false);
    expect(readFileSync(`${first}.tsr`)).toEqual(before);
    expect((await stamp(first, "--force")).exit).toBe(0);
    expect(readFileSync(`${first}.tsr`)).not.toEqual(before);
  });

  it.each<[string, () => string[], number, string]>([
    ["a policy that is not the tsa's", () => ["--policy", "1.2.3.4"], 3, "REQUEST_MALFORMED"],
    ["nobody at the address", () => ["--url", "http://127.0.0.1:1/tsa"], 5, "PEER_UNAVAILABLE"],
    ["another path", () => ["--url", `${tsa.url}/other`], 4, "NOT_FOUND"],
    ["a root that is not the tsa's", () => ["--ca", cli.file("f.pem", foreign.trustPem)], 3, "SIGNATURE_INVALID"],
  ])("writes nothing for %s", async (_, options, exit, code) => {
    const file = newFile("refused");
    const ran = await stamp(file, "--json", ...options());
    expect([ran.exit, JSON.parse(ran.err).code, existsSync(`${file}.tsr`)]).toEqual([exit, code, false]);
  });

  it.each<[string, string, (earlier: Buffer) => Uint8Array]>([
    ["to the same question of another day", "(nonce: it is not the request's)", (earlier) => earlier],
    ["that is none", "", () => Buffer.from("<html>")],
  ])("writes nothing for an answer %s", async (_, fault, answer) => {
    const file = newFile("again");
    await stamp(file);
    const replaying = createServer((_request, response) => response.end(answer(readFileSync(`${file}.tsr`))));
    await new Promise<void>((resolve) => replaying.listen(0, "127.0.0.1", resolve));
    const again = newFile("again");
    const url = `http://127.0.0.1:${(replaying.address() as AddressInfo).port}`;
    const { exit, err } = await stamp(again, "--url", url);
    replaying.close();
    expect([exit, existsSync(`${again}.tsr`)]).toEqual([3, false]);
    expect(err).toContain(fault === "" ? "(DER_MALFORMED)" : `${fault} (SIGNATURE_INVALID)`);
  });

  it("tells of those that are stamped when a later one is not", async () => {
    const [first, second] = [newFile("first"), newFile("second")];
    const answers: Buffer[] = [];
    const once = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", async () => {
        if (answers.length > 0) return response.writeHead(503).end();
        const headers = { "content-type": "application/timestamp-query" };
        const asked = await fetch(`${tsa.url}/tsa`, { method: "POST", headers, body: Buffer.concat(chunks) });
        answers.push(Buffer.from(await asked.arrayBuffer()));
        return response.end(answers[0]);
      });
    });
    await new Promise<void>((resolve) => once.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(once.address() as AddressInfo).port}`;
    const { exit, json } = await stamp(first, second, "--url", url, "--json");
    once.close();
    expect([exit, json()]).toEqual([5, [expect.objectContaining({ file: first })]]);
    expect([first, second].map((file) => existsSync(`${file}.tsr`))).toEqual([true, false]);
  });

  it("writes what OpenSSL verifies", async () => {
    const file = newFile("for openssl");
    await stamp(file);
    const at = String(Math.floor(tsa.clock.now().getTime() / 1_000));
    const words = ["ts", "-verify", "-data", file, "-in", `${file}.tsr`, "-CAfile", `${cli.home}/trust/root.pem`];
    expect(execFileSync("openssl", [...words, "-attime", at], { encoding: "utf8", stdio: "pipe" })).toContain("OK");
  });

  it("writes nothing when the time cannot be proven, and says why", async () => {
    const file = newFile("late");
    for (const server of tsa.servers) server.isAway = true;
    tsa.clock.advance(3 * 86_400_000);
    const { exit, err } = await stamp(file);
    for (const server of tsa.servers) server.isAway = false;
    await tsa.tsa.refresh();
    expect([exit, existsSync(`${file}.tsr`)]).toEqual([5, false]);
    expect(err).toMatch(/refuses: timeNotAvailable: the time cannot be proven/);
  });

  it.each([
    [["--hash", "sha1"]],
    [["--policy", "1.2.x"]],
    [["--policy", "3.1.1"]],
    [["--server", "https://pki.example", "--cert", "c", "--key", "k", "--ca", "r"]],
  ])("is wrong usage with %j", async (options) => expect((await stamp(newFile("x"), ...options)).exit).toBe(2));
});

describe("tsa verify", () => {
  it.each([{}, { isBare: true }, { hash: "sha512" }])("holds for a foreign stamp: %o", async (options) => {
    const file = newFile("foreign");
    const tsr = cli.file(`${count}.foreign`, foreign.stamp("foreign", options));
    const args = [file, "--tsr", tsr, "--ca", cli.file("foreign.pem", foreign.trustPem)];
    expect(await faults(...args)).toEqual([0]);
    expect((await verify(...args, "--json")).json()).toMatchObject({ policy: "1.3.6.1.4.1.32473.7", test_unit: false });
    expect(await faults(file, "--tsr", tsr)).toEqual([3, "path"]);
  });

  it("holds it against the policies that are named", async () => {
    const file = newFile("policy");
    await stamp(file, "--policy", POLICY.other);
    expect(await faults(file, "--policy", POLICY.other, POLICY.main)).toEqual([0]);
    expect(await faults(file, "--policy", POLICY.main)).toEqual([3, "policy"]);
  });

  it("names the check that another file, or another root, fails", async () => {
    const file = newFile("data");
    await stamp(file);
    const tsr = `${file}.tsr`;
    expect(await faults(newFile("datA"), "--tsr", tsr)).toEqual([3, "message-imprint"]);
    expect(await faults(newFile(""), "--tsr", tsr)).toEqual([3, "message-imprint"]);
    expect(await faults(file, "--ca", cli.file("foreign.pem", foreign.trustPem))).toEqual([3, "path"]);
    const shown = await verify(newFile("datA"), "--tsr", tsr);
    expect(shown.out).toMatch(
      /^time stamp does not hold\n[\s\S]*^message-imprint +fails +something else was stamped$/m,
    );
  });

  it("names the check that a corrupted token fails", async () => {
    const file = newFile("data");
    await stamp(file);
    const sound = readFileSync(`${file}.tsr`);
    const corrupted = (at: number) => {
      const bytes = Buffer.from(sound);
      bytes[at] = (bytes[at] as number) ^ 1;
      return faults(file, "--tsr", cli.file("corrupted.tsr", bytes));
    };
    const { tstInfo, signedData } = tokenOf(file);
    expect(await corrupted(sound.indexOf(tstInfo.serial) + 5)).toEqual([3, "message-digest"]);
    expect(await corrupted(sound.indexOf(signedData.signerInfos[0]?.signature ?? "") + 40)).toEqual([3, "signature"]);
    expect((await corrupted(1)).slice(0, 2)).toEqual([3, "well-formed"]);
    const cut = cli.file("cut.tsr", sound.subarray(0, -1));
    expect((await faults(file, "--tsr", cut)).slice(0, 2)).toEqual([3, "well-formed"]);
  });

  it("says what is no time stamp at all", async () => {
    const file = newFile("data");
    const refused = cli.file("refused.tsr", Buffer.from(timeStampResp.refused("badAlg", "no such hash")));
    const { exit, err } = await verify(file, "--tsr", refused);
    expect([exit, err]).toEqual([3, expect.stringContaining("a refusal, no time stamp: badAlg: no such hash")]);
    expect((await verify(file)).exit).toBe(2);
    expect((await verify(cli.file("absent"), "--tsr", refused)).exit).toBe(3);
  });
});
