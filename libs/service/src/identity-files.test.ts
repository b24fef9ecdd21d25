import { chmodSync, mkdtempSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@vcc-pki/telemetry";
import { createTestIdentities } from "@vcc-pki/testkit/identity";
import { describe, expect, it, vi } from "vitest";
import { fileIdentity, hasIdentity, writeIdentity } from "./index.ts";

const identities = createTestIdentities();
const material = () => identities.forUri("spiffe://vcc.internal/pki/ca").current();
const newDirectory = () => join(mkdtempSync(join(tmpdir(), "pki-identity-")), "ca");

describe("identity files", () => {
  it("are written for the owner alone and read back", () => {
    const directory = newDirectory();
    const written = material();
    expect(hasIdentity(directory)).toBe(false);
    writeIdentity(directory, written);
    expect(hasIdentity(directory)).toBe(true);
    expect(statSync(join(directory, "key.pem")).mode & 0o777).toBe(0o600);
    const identity = fileIdentity(directory, silentLogger);
    expect(identity.current()).toEqual(written);
    identity.close();
  });

  it("tell listeners when somebody replaces them, once", async () => {
    const directory = newDirectory();
    writeIdentity(directory, material());
    const identity = fileIdentity(directory, silentLogger);
    const listener = vi.fn();
    identity.onChange(listener);
    const next = material();
    writeIdentity(directory, next);
    await vi.waitFor(() => expect(listener).toHaveBeenCalledTimes(1), 5_000);
    expect(identity.current()).toEqual(next);
    identity.close();
  });

  it("keep the identity in use when the new files do not belong together", () => {
    const directory = newDirectory();
    const good = material();
    writeIdentity(directory, good);
    const identity = fileIdentity(directory, silentLogger);
    writeFileSync(join(directory, "chain.pem"), material().chainPem);
    identity.reload();
    expect(identity.current()).toEqual(good);
    identity.close();
  });

  it("survive a crash between the new chain and the new key", () => {
    const directory = newDirectory();
    const [before, after] = [material(), material()];
    writeIdentity(directory, before);
    writeFileSync(join(directory, "key.pem.next"), after.keyPem, { mode: 0o600 });
    writeFileSync(join(directory, "chain.pem.next"), after.chainPem);
    renameSync(join(directory, "chain.pem.next"), join(directory, "chain.pem"));
    const identity = fileIdentity(directory, silentLogger);
    expect(identity.current().keyPem).toBe(after.keyPem);
    expect(readFileSync(join(directory, "key.pem"), "utf8")).toBe(after.keyPem);
    identity.close();
  });

  it("survive a crash before the new chain is in place", () => {
    const directory = newDirectory();
    const before = material();
    writeIdentity(directory, before);
    writeFileSync(join(directory, "key.pem.next"), material().keyPem);
    const identity = fileIdentity(directory, silentLogger);
    expect(identity.current()).toEqual(before);
    identity.close();
  });

  it("survive a crash that cut the new key short", () => {
    const directory = newDirectory();
    const before = material();
    writeIdentity(directory, before);
    writeFileSync(join(directory, "key.pem.next"), material().keyPem.slice(0, 40));
    const identity = fileIdentity(directory, silentLogger);
    expect(identity.current()).toEqual(before);
    identity.close();
  });

  it("are refused with a key that others can read", () => {
    const directory = newDirectory();
    writeIdentity(directory, material());
    chmodSync(join(directory, "key.pem"), 0o640);
    expect(() => fileIdentity(directory, silentLogger)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  it.each([
    ["a foreign chain", () => identities.foreign.forUri("spiffe://vcc.internal/pki/ca").current()],
    ["another's key", () => ({ ...material(), keyPem: material().keyPem })],
    ["no chain", () => ({ ...material(), chainPem: "" })],
    [
      "a chain without its issuer",
      () => ({ ...material(), chainPem: material().chainPem.split(/(?=-----BEGIN)/)[0] ?? "" }),
    ],
  ])("are not written with %s, and stay what they were", (_, broken) => {
    const directory = newDirectory();
    const before = material();
    writeIdentity(directory, before);
    expect(() => writeIdentity(directory, broken())).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    const identity = fileIdentity(directory, silentLogger);
    expect(identity.current()).toEqual(before);
    identity.close();
  });

  it("are refused when they are missing", () => {
    expect(() => fileIdentity(newDirectory(), silentLogger)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });
});
