import { readFileSync } from "node:fs";
import { PkiError } from "@vcc-pki/errors";
import { describe, expect, it } from "vitest";
import { fillEnvironment, isCalled, parseServiceCatalogue, readServiceCatalogue } from "./service-catalogue.ts";

const SHIPPED = new URL("../../../deploy/policies/services.yaml", import.meta.url).pathname;
const text = readFileSync(SHIPPED, "utf8");

function findings(changed: string): string[] {
  expect(changed).not.toBe(text);
  try {
    parseServiceCatalogue(changed, "services.yaml");
  } catch (error) {
    expect(error).toBeInstanceOf(PkiError);
    expect((error as PkiError).code).toBe("CONFIG_INVALID");
    return (error as PkiError).message.split("\n");
  }
  throw new Error("accepted");
}

/** The line on which a text stands, from 1. */
const lineOf = (changed: string, part: string) => changed.slice(0, changed.indexOf(part)).split("\n").length;

describe("the shipped catalogue", () => {
  const services = readServiceCatalogue(SHIPPED);

  it("has every service the suite is for", () => {
    expect(services.map(({ service }) => service)).toEqual([
      ...["argus", "covina", "covina-ingestion", "clara-training", "clara-dataset", "clara-serving", "veritas", "vpb"],
      ...["scraper", "aat", "themisdb", "uds3", "vcc-urn"],
    ]);
  });

  it("knows the ports and health paths that their code has", () => {
    const urls = services.flatMap(({ service, endpoints }) =>
      endpoints.map(({ port, health }) => `${service} ${port} ${health?.path ?? "-"}`),
    );
    expect(urls).toContain("covina 45678 /health");
    expect(urls).toContain("vcc-urn 8000 /healthz");
    expect(urls).toContain("vpb 8000 /api/uds3/vpb/health");
    expect(urls).toContain("themisdb 8443 /health");
  });

  it("tells a service where its files are, by the variables it reads", () => {
    const argus = services.find(({ service }) => service === "argus");
    const values = { directory: "/c", certificate: "/c/a.crt", key: "/c/a.key", trust: "/c/t.pem" };
    const filled = fillEnvironment(argus?.environment ?? {}, {
      ...values,
      ...{ service: "argus", organisation: "vcc", pki_url: "https://pki:8443" },
    });
    expect(filled).toMatchObject({
      VCC_SERVICE_ID: "argus",
      VCC_CLIENT_CERT_PATH: "/c/a.crt",
      VCC_MTLS_ENABLED: "true",
    });
  });

  it("means types and ends of types by calls", () => {
    const covina = services.find(({ service }) => service === "covina");
    const called = services.filter((each) => covina?.calls.some((target) => isCalled(target, each)));
    expect(called.map(({ service }) => service)).toEqual([
      ...["covina-ingestion", "clara-training", "clara-dataset", "clara-serving", "veritas", "themisdb"],
    ]);
  });
});

describe("a catalogue with a mistake is refused with its line", () => {
  it.each([
    ["port: 45678,", "port: 456780,", "services.1.endpoints.0.port"],
    ["dialect: components", "dialect: klingon", "services.6.endpoints.0.health.dialect"],
    ['TLS_CA_FILE: "{trust}"', 'TLS_CA_FILE: "{roots}"', "services.1.environment.TLS_CA_FILE"],
    ["calls: [covina, clara, vpb]", "calls: [covina, klara, vpb]", '"klara" is neither a service nor a type here'],
    ["aliases: [clara-backend,", "aliases: [covina-backend,", 'name "covina-backend" is taken by covina'],
    ["certificate: instance.crt", "certificate: ../instance.crt", "a file name without directory"],
    ["dnsNames: [aat.vcc.internal]", "dnsNames: [AAT.vcc.internal]", "a host name in small letters"],
    ["{ name: flask, port: 5000,", "{ name: flask, port: 8000,", 'port of vpb "8000" is taken by vpb'],
    ["key: server.key", "key: server.crt", "certificate, key and trust are three files"],
  ])("%s -> %s", (from, to, what) => {
    const changed = text.replace(from, to);
    const [first = "", ...more] = findings(changed);
    expect(more).toEqual([]);
    expect(first).toContain(what);
    expect(first).toMatch(new RegExp(`^services\\.yaml:${lineOf(changed, to)}: `));
  });

  it("names each of several mistakes", () => {
    expect(findings(text.replaceAll("port: 8000,", "port: 0,"))).toHaveLength(3);
  });

  it("names a key that does not exist, and one that comes twice", () => {
    const unknown = text.replace("takesEffect: reload", "takesEfect: reload");
    expect(findings(unknown)[0]).toContain("takesEfect");
    const twice = text.replace("takesEffect: reload", "takesEffect: reload\n    type: vpb");
    expect(findings(twice)[0]).toMatch(new RegExp(`^services\\.yaml:${lineOf(twice, "takesEffect: reload") + 1}: `));
  });

  it("takes no aliases, which could make little text much", () => {
    expect(
      findings(text.replace("calls: [covina]", "calls: &a [covina]").replace("calls: [covina]", "calls: *a"))[0],
    ).toContain("aliases");
  });
});
