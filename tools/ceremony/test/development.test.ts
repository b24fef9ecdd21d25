import { X509Certificate } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspectToken } from "@vcc-pki/hsm-gateway";
import { isLocked, lockHome } from "@vcc-pki/suite-tool";
import { beforeAll, describe, expect, it } from "vitest";
import { custodianKeyFile } from "../src/approvals.ts";
import { readConfigurations } from "../src/in-process.ts";
import { readTranscript, type TranscriptEntry, verifyTranscript } from "../src/index.ts";
import { copyScript, newDirectory, newHome, openssl, run } from "./harness.ts";

const home = newHome();
const SERVICES = ["hsm-gateway", "ca", "ocsp", "tsa", "signing", "discovery", "lifecycle", "gateway", "nats"];
let last: TranscriptEntry;

beforeAll(async () => {
  last = await run({ home });
});

const bundle = (): X509Certificate[] =>
  (readFileSync(home.trust.bundle, "utf8").match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []).map(
    (pem) => new X509Certificate(pem),
  );

describe("the development ceremony", () => {
  it("makes a root and six authorities below it, which openssl accepts", () => {
    const [root, ...below] = bundle();
    expect(root?.subject).toBe("O=VCC\nCN=VCC Root CA");
    const names = below.map(({ subject }) => subject.replace(/^.*CN=/s, "")).sort();
    expect(names).toEqual([
      ...["VCC Admin CA", "VCC Code Signing CA", "VCC External Orgs CA"],
      ...["VCC Platform CA", "VCC Services CA", "VCC TSA CA"],
    ]);
    for (const authority of bundle()) {
      const file = join(newDirectory(), "authority.pem");
      writeFileSync(file, authority.toString());
      expect(openssl("verify", "-x509_strict", "-CAfile", home.trust.root, file)).toBe(`${file}: OK\n`);
    }
  });

  it("signs the root's list of revoked certificates in advance", () => {
    const crl = home.trust.crl("vcc-root-ca");
    const shown = openssl("crl", "-inform", "DER", "-in", crl, "-noout", "-text", "-CAfile", home.trust.root);
    expect(shown).toContain("No Revoked Certificates");
    expect(shown).toContain("Issuer: O = VCC, CN = VCC Root CA");
  });

  it.each(SERVICES)("gives %s an identity for both ends of mutual TLS", (service) => {
    const directory = home.identity(service);
    const chain = join(directory, "chain.pem");
    for (const purpose of ["sslserver", "sslclient"]) {
      openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", home.trust.root, "-untrusted", chain, chain);
    }
    expect(new X509Certificate(readFileSync(chain)).subjectAltName).toContain(
      `URI:spiffe://vcc.internal/pki/${service}`,
    );
    expect(readFileSync(join(directory, "trust.pem"), "utf8")).toBe(readFileSync(home.trust.root, "utf8"));
  });

  it("gives the operator an administrator's certificate", () => {
    const { chain } = home.operator;
    openssl("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", home.trust.root, "-untrusted", chain, chain);
    const { subjectAltName } = new X509Certificate(readFileSync(chain));
    expect(subjectAltName).toBe("URI:spiffe://vcc.internal/org/vcc/admin/operator");
  });

  it("leaves seven keys in the token, which can sign and cannot leave", () => {
    const { privateKeys } = inspectToken(readConfigurations(home).hsmGateway.token);
    expect(privateKeys.length).toBe(7);
    for (const { label, ...attributes } of privateKeys) {
      expect(attributes, label).toEqual({
        ...{ sensitive: true, alwaysSensitive: true, extractable: false, neverExtractable: true, copyable: false },
        ...{ sign: true, decrypt: false, unwrap: false, derive: false },
      });
    }
  });

  it("has two custodians approve each of the root's eight signatures", () => {
    const approvals = readTranscript(home.ceremony.transcript).filter(({ event }) => event === "approval given");
    const custodiansOf = Map.groupBy(approvals, ({ facts }) => facts.approvalId);
    expect(custodiansOf.size).toBe(8);
    for (const given of custodiansOf.values()) expect(new Set(given.map(({ facts }) => facts.custodian)).size).toBe(2);
  });

  it("lets nobody else read a secret", () => {
    const secrets = [
      ...[home.token.pinFile, home.token.soPinFile, home.operator.key],
      ...["hsm-gateway", "ca"].map((service) => home.database(service).keyFile),
      ...[1, 2, 3].map((number) => custodianKeyFile(home, `custodian-${number}`)),
      ...SERVICES.map((service) => join(home.identity(service), "key.pem")),
    ];
    for (const file of secrets) expect(statSync(file).mode & 0o777, file).toBe(0o600);
    for (const directory of [home.directory, home.token.directory, home.custodians, home.ceremony.directory]) {
      expect(statSync(directory).mode & 0o777, directory).toBe(0o700);
    }
  });

  it("writes a transcript that holds", () => {
    expect(last.event).toBe("ceremony finished");
    expect(verifyTranscript(home).at(-1)).toEqual(last);
    expect(verifyTranscript(home, last.hash).length).toBe(last.sequence);
    expect(() => verifyTranscript(home, "0".repeat(64))).toThrow(
      expect.objectContaining({ code: "SIGNATURE_INVALID" }),
    );
  });

  it("leaves the home unlocked", () => expect(isLocked(home)).toBe(false));
});

describe("a second ceremony", () => {
  it("is refused on the same home and changes nothing", async () => {
    const before = readFileSync(home.ceremony.transcript);
    await expect(run({ home })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    await expect(
      run({ home, script: copyScript("deploy/ceremony/development.yaml", newDirectory()) }),
    ).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
    });
    expect(readFileSync(home.ceremony.transcript)).toEqual(before);
  });

  it("is refused while the home is in use", async () => {
    const other = newHome();
    const lock = lockHome(other);
    await expect(run({ home: other })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    lock.release();
  });
});
