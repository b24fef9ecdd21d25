import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestHierarchy } from "@vcc-pki/testkit/hierarchy";
import { systemClock } from "@vcc-pki/time";
import { describe, expect, it } from "vitest";
import { resolveSettings } from "./settings.ts";
import { UsageError } from "./usage.ts";

const files = { cert: "c.pem", key: "k.pem", ca: "r.pem" };

describe("settings", () => {
  it("take a local suite from --home, else PKI_HOME, with its ports", () => {
    const env = { PKI_HOME: "/env", PKI_PORT_OFFSET: "100" };
    expect(resolveSettings({}, env)).toEqual({
      server: "https://localhost:8543",
      certFile: "/env/operator/admin.pem",
      keyFile: "/env/operator/admin-key.pem",
      caFile: "/env/trust/root.pem",
      organisation: "brandenburg",
      tsaUrl: "http://127.0.0.1:8182/tsa",
      recallsUrl: "http://127.0.0.1:8183",
    });
    expect(resolveSettings({ home: "/given" }, env).caFile).toBe("/given/trust/root.pem");
  });

  it("find the ports of a suite that runs elsewhere", () => {
    const home = mkdtempSync(join(tmpdir(), "cli-home-"));
    mkdirSync(join(home, "run"));
    writeFileSync(join(home, "run/suite.json"), JSON.stringify({ pid: 1, portOffset: 2000 }));
    expect(resolveSettings({ home }, {}).server).toBe("https://localhost:10443");
    expect(resolveSettings({ home }, { PKI_PORT_OFFSET: "1" }).server).toBe("https://localhost:8444");
  });

  it("takes the organisation in the certificate where it is asked to, and none was named", () => {
    const { root } = createTestHierarchy({ clock: systemClock });
    const uri = ["spiffe://vcc.example/org/bayern/admin/xaver"];
    const cert = join(mkdtempSync(join(tmpdir(), "settings-")), "cert.pem");
    writeFileSync(cert, root.issue({ subjectAltNames: { uri } }).chainPem);
    const organisationOf = (options: object, own: boolean) =>
      resolveSettings({ cert, ...options }, {}, { ownOrganisation: own }).organisation;
    expect(organisationOf({}, true)).toBe("bayern");
    expect(organisationOf({ organisation: "hessen" }, true)).toBe("hessen");
    expect(organisationOf({}, false)).toBe("brandenburg");
    expect(organisationOf({ cert: "/nowhere" }, true)).toBe("brandenburg");
  });

  it("take a remote suite from --server and its three files", () => {
    const settings = resolveSettings({ server: "https://pki.example:9443", ...files, organisation: "bayern" }, {});
    expect(settings).toEqual({
      server: "https://pki.example:9443",
      ...{ certFile: "c.pem", keyFile: "k.pem", caFile: "r.pem", organisation: "bayern", namedOrganisation: "bayern" },
    });
  });

  it.each([
    ["a missing file", { server: "https://pki.example", cert: "c", key: "k" }, {}],
    ["both suites", { server: "https://pki.example", home: "/x", ...files }, {}],
    ["a server without TLS", { server: "http://pki.example", ...files }, {}],
    ["a server with a path", { server: "https://pki.example/api", ...files }, {}],
    ["no number as offset", {}, { PKI_PORT_OFFSET: "many" }],
  ])("refuse %s", (_what, options, env) => {
    expect(() => resolveSettings(options, env)).toThrow(UsageError);
  });
});
