import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { BaseConfig, type Environment, loadConfig } from "./index.ts";

const Config = BaseConfig.extend({ publicBaseUrl: z.string().optional(), clock: z.unknown() });

const YAML = `
listen: { host: "\${PKI_LISTEN_HOST:-127.0.0.1}", port: 7402 }
health: { host: 127.0.0.1, port: 9402 }
identityDir: \${PKI_HOME}/identity/ca
store: { file: "\${PKI_HOME}/ca/ca.db", keyFile: "\${PKI_HOME}/ca/db.key" }
nats: { servers: ["127.0.0.1:7422"] }
peers: { hsm-gateway: { address: "127.0.0.1:7401" } }
telemetry: { otlpEndpoint: "http://127.0.0.1:4318" }
clock: { servers: ["ntp.example:123"] }
publicBaseUrl: http://localhost:8081/x
`;

function load(yaml: string, env: Environment = {}) {
  const file = join(mkdtempSync(join(tmpdir(), "pki-config-")), "ca.yaml");
  writeFileSync(file, yaml);
  return loadConfig(file, Config, { PKI_HOME: "/srv/pki", ...env });
}

describe("configuration", () => {
  it("knows the home directory and gives defaults", () => {
    const config = load(YAML);
    expect(config.identityDir).toBe("/srv/pki/identity/ca");
    expect(config.listen).toEqual({ host: "127.0.0.1", port: 7402 });
    expect(config.store?.cipher).toBe("sqlcipher");
    expect(config.telemetry.logLevel).toBe("info");
  });

  it("shifts every port of the suite, and none of others", () => {
    const config = load(YAML, { PKI_PORT_OFFSET: "1000" });
    expect(config.listen.port).toBe(8402);
    expect(config.health.port).toBe(10_402);
    expect(config.nats?.servers).toEqual(["127.0.0.1:8422"]);
    expect(config.peers["hsm-gateway"]?.address).toBe("127.0.0.1:8401");
    expect(config.publicBaseUrl).toBe("http://localhost:9081/x");
    expect(config.telemetry.otlpEndpoint).toBe("http://127.0.0.1:4318");
    expect(config.clock).toEqual({ servers: ["ntp.example:123"] });
  });

  it("takes the database key's file and the listening host from the environment", () => {
    const config = load(YAML, { DATABASE_ENCRYPTION_KEY_FILE: "/run/secrets/db_key", PKI_LISTEN_HOST: "0.0.0.0" });
    expect(config.store?.keyFile).toBe("/run/secrets/db_key");
    expect(config.listen.host).toBe("0.0.0.0");
  });

  it.each([
    ["an unknown key", `${YAML}\nlisten2: 1`, "listen2"],
    ["a key given twice", `${YAML}\ntrustDomain: a\ntrustDomain: b`, "trustDomain"],
    ["a port out of range", YAML.replace("7402", "70000"), "listen.port"],
    ["a variable that is not ours", YAML.replace("${PKI_HOME}/identity/ca", "${HOME}/x"), "HOME"],
    ["a variable without a value", YAML.replace("${PKI_HOME}/identity/ca", "${PKI_NOWHERE}"), "PKI_NOWHERE"],
    ["something that is not YAML", "a: [", "ca.yaml"],
  ])("refuses %s, naming it", (_, yaml, name) => {
    expect(() => load(yaml)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringContaining(name) }),
    );
  });

  it("refuses a file that is not there and an offset that is not a number", () => {
    expect(() => loadConfig("/nowhere.yaml", Config, {})).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    expect(() => load(YAML, { PKI_PORT_OFFSET: "-1" })).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});
