import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createLayout, LayoutProfile } from "./layout.ts";

const material = { chainPem: "chain\n", keyPem: "key\n", bundlePem: "roots\n" };

describe("a layout", () => {
  it("has the names of its profile, and a file that combines them", () => {
    const directory = mkdtempSync(join(tmpdir(), "vcc-agent-layout-"));
    const profile = LayoutProfile.parse({
      certificate: "tls.crt",
      key: "tls.key",
      trust: "ca.crt",
      combined: "haproxy.pem",
    });
    const layout = createLayout(directory, profile, { links: true });
    expect(layout.holds(material)).toBe(false);
    layout.install(material);
    expect(layout.holds(material)).toBe(true);
    const read = (name: string) => readFileSync(join(directory, name), "utf8");
    expect([read("tls.crt"), read("tls.key"), read("ca.crt")]).toEqual(["chain\n", "key\n", "roots\n"]);
    expect(read("haproxy.pem")).toBe("chain\nkey\n");
  });

  it("notices that somebody has touched a file", () => {
    const directory = mkdtempSync(join(tmpdir(), "vcc-agent-layout-"));
    const layout = createLayout(directory, LayoutProfile.parse({ combined: "all.pem" }), { links: false });
    layout.install(material);
    expect(layout.holds({ ...material, keyPem: "another\n" })).toBe(false);
  });

  it.each([
    ["a path", { certificate: "../cert.pem", key: "key.pem" }],
    ["a hidden name", { certificate: ".vcc", key: "key.pem" }],
    ["a path of Windows", { certificate: "a\\b.pem", key: "key.pem" }],
    ["a device of Windows", { certificate: "CON.pem", key: "key.pem" }],
    ["one name twice", { certificate: "Tls.pem", key: "tls.pem" }],
    ["no key", { certificate: "cert.pem" }],
    ["nothing", {}],
    ["a key for everybody", { certificate: "c.pem", key: "k.pem", keyMode: "0644" }],
    ["an owner without group", { certificate: "c.pem", key: "k.pem", owner: "argus" }],
    ["an unknown key", { certificate: "c.pem", key: "k.pem", chain: "x.pem" }],
  ])("is refused with %s", (_, profile) => {
    expect(LayoutProfile.safeParse(profile).success).toBe(false);
  });

  it("is refused with an owner that this machine does not know", () => {
    const profile = LayoutProfile.parse({ combined: "all.pem", owner: "nobody-of-this-name:root" });
    expect(() => createLayout("/tmp", profile, { links: true })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });
});
