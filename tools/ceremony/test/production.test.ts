import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { initialiseToken } from "@vcc-pki/hsm-gateway";
import { type Home, writeSoftHsmConf } from "@vcc-pki/suite-tool";
import { describe, expect, it } from "vitest";
import { readConfigurations } from "../src/in-process.ts";
import { verifyTranscript } from "../src/index.ts";
import { newDirectory, newHome, openssl, PRODUCTION, run } from "./harness.ts";

/** People with keys of their own, and a directory with what they bring: the script, public keys, the administrator's request. */
interface Room {
  readonly script: string;
  readonly keyOf: (custodian: string) => string;
}

function gather(): Room {
  const brought = newDirectory();
  const kept = newDirectory();
  const script = join(brought, "production.yaml");
  copyFileSync(PRODUCTION, script);
  const keyOf = (custodian: string) => join(kept, `${custodian}.key`);
  for (const custodian of ["custodian-1", "custodian-2"]) {
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", keyOf(custodian));
    openssl("pkey", "-in", keyOf(custodian), "-pubout", "-out", join(brought, `${custodian}.pem`));
  }
  openssl("genpkey", "-algorithm", "ED25519", "-out", keyOf("custodian-3"));
  openssl("pkey", "-in", keyOf("custodian-3"), "-pubout", "-out", join(brought, "custodian-3.pem"));

  const request = ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/"];
  const name = "subjectAltName=URI:spiffe://vcc.internal/org/vcc/admin/operator";
  openssl(...request, "-addext", name, "-keyout", keyOf("operator"), "-out", join(brought, "operator.csr.pem"));
  return { script, keyOf };
}

/** A home with a token that somebody has initialised. */
function homeWithToken(): Home {
  const home = newHome();
  mkdirSync(home.token.directory, { recursive: true });
  writeSoftHsmConf(home);
  writeFileSync(home.token.pinFile, "31415926\n", { mode: 0o600 });
  writeFileSync(home.token.soPinFile, "27182818\n", { mode: 0o600 });
  initialiseToken({ ...readConfigurations(home).hsmGateway.token, soPinFile: home.token.soPinFile });
  return home;
}

/** Signs, as the ceremony tells them to, whatever is there to sign. Resolves when `until` has settled. */
async function custodiansSign(
  home: Home,
  { keyOf }: Room,
  custodians: readonly string[],
  until: Promise<unknown>,
): Promise<void> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  until.then(over, over);
  while (!isOver) {
    await sleep(20);
    const waiting = existsSync(home.ceremony.approvals) ? readdirSync(home.ceremony.approvals) : [];
    for (const approvalId of waiting)
      for (const custodian of custodians) sign(home, approvalId, custodian, keyOf(custodian));
  }
}

function sign({ ceremony }: Home, approvalId: string, custodian: string, key: string): void {
  const at = (name: string) => join(ceremony.approvals, approvalId, name);
  const isSigned = readdirSync(at(".")).some((name) => name.startsWith(`${custodian}.sig`));
  if (isSigned || !existsSync(at("to-sign.bin"))) return;
  const isEdwards = readFileSync(key, "utf8").length < 150;
  const how = isEdwards
    ? ["pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", at("to-sign.bin"), "-out"]
    : ["dgst", "-sha256", "-sign", key, "-out"];
  const input = isEdwards ? [] : [at("to-sign.bin")];
  openssl(...how, at(`.${custodian}`), ...input);
  renameSync(at(`.${custodian}`), at(`${custodian}.sig`));
}

describe("a production ceremony", () => {
  it("waits for signatures made elsewhere, survives an interruption while it waits, and keeps no person's key", async () => {
    const room = gather();
    const home = homeWithToken();
    const interrupt = new AbortController();
    const say = (text: string) => {
      if (text.includes("Waiting for the signatures")) interrupt.abort(new Error("interrupted"));
    };
    await expect(run({ home, script: room.script, say, signal: interrupt.signal })).rejects.toThrow();

    const finishing = run({ home, script: room.script });
    await custodiansSign(home, room, ["custodian-1", "custodian-3"], finishing);
    await finishing;

    const given = verifyTranscript(home).filter(({ event }) => event === "approval given");
    expect(given.length).toBe(26);
    const requested = verifyTranscript(home).filter(({ event }) => event === "approval requested");
    expect(requested.length).toBe(13); // the root, six authorities, six lists of the root
    openssl(
      "verify",
      "-x509_strict",
      "-CAfile",
      home.trust.root,
      "-untrusted",
      home.operator.chain,
      home.operator.chain,
    );
    expect(existsSync(home.custodians) || existsSync(home.operator.key)).toBe(false);
  });

  it("does not count a signature that is not the custodian's", async () => {
    const room = gather();
    const home = homeWithToken();
    const interrupt = new AbortController();
    const running = run({ home, script: room.script, signal: interrupt.signal });
    running.catch(() => undefined);
    // custodian-1 signs in everybody's name.
    const swapped = { ...room, keyOf: () => room.keyOf("custodian-1") };
    const signing = custodiansSign(home, swapped, ["custodian-1", "custodian-2"], running);
    const isRefused = () =>
      readdirSync(home.ceremony.approvals).some((id) =>
        existsSync(join(home.ceremony.approvals, id, "custodian-2.sig.refused")),
      );
    while (!existsSync(home.ceremony.approvals) || !isRefused()) await sleep(20);
    interrupt.abort(new Error("enough"));
    await signing;
    await expect(running).rejects.toThrow();
    expect(readFileSync(home.ceremony.transcript, "utf8")).toContain('"event":"approval not accepted"');
    expect(existsSync(home.trust.root)).toBe(false);
  });

  it("refuses a token that has been in a ceremony before", async () => {
    const used = newHome();
    await run({ home: used });
    const home = newHome();
    mkdirSync(home.token.directory, { recursive: true });
    writeFileSync(home.token.conf, `directories.tokendir = ${used.token.objects}\n`);
    copyFileSync(used.token.pinFile, home.token.pinFile);
    await expect(run({ home, script: gather().script })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
  });
});
