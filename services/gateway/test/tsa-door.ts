import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HIERARCHY } from "@vcc-pki/ca/harness";
import { TimestampServiceDefinition } from "@vcc-pki/proto/tsa";
import { connect, suiteId } from "@vcc-pki/rpc";
import { silentLogger } from "@vcc-pki/telemetry";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { newTsa, POLICY, TEST_NAME, type TsaHarness } from "@vcc-pki/tsa/harness";
import { pemEncode } from "@vcc-pki/x509";
import { certifyPerson, certifyStranger, newDoors } from "./doors.ts";
import type { Answer, Knock, Knocker } from "./https.ts";
import { OPERATOR, peersOf } from "./suite.ts";

export interface TsaDoor {
  readonly tsa: TsaHarness;
  /** Root of the suite, PEM. */
  readonly rootPem: string;
  /** An administrator of another organisation. */
  readonly stranger: Knocker;
  readonly admin: Knocker;
  readonly port: number;
  /** Root of the door's own certificate, PEM. */
  readonly trustPem: string;
  /** One request over TLS, as the operator unless told otherwise. */
  knock(options: Omit<Knock, "port" | "trustPem">): Promise<Answer>;
  /** The same at a door whose tsa is at an address where nobody listens. */
  knockWithoutTsa(options: Omit<Knock, "port" | "trustPem">): Promise<Answer>;
  close(): Promise<void>;
}

const UNITS = [
  { name: "main", policies: [POLICY.main] },
  { name: "other", policies: [POLICY.other] },
  { name: "trial", policies: [POLICY.test], test: true },
];

/** The real door before a real tsa, ca and hsm-gateway. Its clock stands still at the moment of the start, so that TLS, which has the
 *  machine's, agrees. */
export async function newTsaDoor(): Promise<TsaDoor> {
  const clock = fakeClock(new Date());
  const tsa = await newTsa({ clock, config: { units: UNITS, keys: { interval: "1d", testName: TEST_NAME } } });
  const { ca, hsm } = tsa.ca;
  const services = [...ca.services, ...hsm.services, ...tsa.tsa.services];
  const root = { parentId: "vcc-root-ca" };
  await tsa.ca.createAuthority({ authorityId: "vcc-admin-ca", ...root, ...HIERARCHY["vcc-admin-ca"] });
  const admin = await certifyPerson(tsa.ca, services, OPERATOR);
  const stranger = await certifyStranger(tsa.ca, services);
  const rootPem = pemEncode("CERTIFICATE", (await tsa.root()).der);
  const doors = newDoors(rootPem, clock);
  const nobody = connect(TimestampServiceDefinition, {
    ...{ address: "127.0.0.1:1", identity: doors.identity, expect: suiteId("tsa"), log: silentLogger },
  });
  const peers = peersOf("gateway", services, clock);
  const door = await doors.open(peers);
  const without = await doors.open({ ...peers, timestamps: nobody });
  return {
    ...{ tsa, rootPem, stranger, admin, port: door.port, trustPem: doors.trustPem },
    knock: (options) => door.knock({ as: admin, ...options }),
    knockWithoutTsa: (options) => without.knock({ as: admin, ...options }),
    async close() {
      await doors.close();
      nobody.close();
      await tsa.close();
    },
  };
}

/** OpenSSL as a client, with files of its own. */
export class Openssl {
  readonly #directory = mkdtempSync(join(tmpdir(), "vcc-gateway-ts-"));

  /** A TimeStampReq for this text. */
  query(text: string, ...options: string[]): Buffer {
    const data = this.#file("data", text);
    return execFileSync("openssl", ["ts", "-query", "-data", data, ...options], { stdio: "pipe" });
  }

  /** What `openssl ts -verify -data` says of a token about these octets. */
  verifyData(octets: Buffer, token: Buffer, trust: Trust): string {
    const data = this.#file("data", octets);
    const anchors = ["-CAfile", this.#file("root", trust.rootPem), "-untrusted", this.#file("chain", trust.chainPem)];
    const words = ["ts", "-verify", "-data", data, "-in", this.#file("token", token), "-token_in", ...anchors];
    const { stdout, stderr } = spawnSync("openssl", words, { encoding: "utf8" });
    return stdout.includes("Verification: OK") ? "OK" : stderr;
  }

  /** A TimeStampReq for a SHA-256 digest, without nonce. */
  queryDigest(digestHex: string): Buffer {
    const words = ["ts", "-query", "-digest", digestHex, "-sha256", "-no_nonce"];
    return execFileSync("openssl", words, { stdio: "pipe" });
  }

  /** What `openssl ts -verify` says of a response, or of a token, to the question. */
  verify(queryDer: Buffer, answer: { readonly response: Buffer } | { readonly token: Buffer }, trust: Trust): string {
    const files = ["-queryfile", this.#file("query", queryDer)];
    const given =
      "token" in answer
        ? ["-in", this.#file("token", answer.token), "-token_in"]
        : ["-in", this.#file("response", answer.response)];
    const anchors = ["-CAfile", this.#file("root", trust.rootPem), "-untrusted", this.#file("chain", trust.chainPem)];
    const words = ["ts", "-verify", ...files, ...given, ...anchors, "-x509_strict"];
    const { stdout, stderr } = spawnSync("openssl", words, { encoding: "utf8" });
    return stdout.includes("Verification: OK") ? "OK" : stderr;
  }

  /** `openssl ts -reply -text`. */
  show(responseDer: Buffer): string {
    const words = ["ts", "-reply", "-in", this.#file("response", responseDer), "-text"];
    return execFileSync("openssl", words, { encoding: "utf8", stdio: "pipe" });
  }

  close(): void {
    rmSync(this.#directory, { recursive: true });
  }

  #file(name: string, content: string | Buffer): string {
    const path = join(this.#directory, name);
    writeFileSync(path, content);
    return path;
  }
}

interface Trust {
  readonly rootPem: string;
  readonly chainPem: string;
}
