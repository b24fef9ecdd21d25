import { describe, expect, it, vi } from "vitest";
import { createDenyList } from "./index.ts";

const at = (serialHex: string, notAfter?: Date) => ({ serialHex, issuerKeyId: "aa", notAfter });

describe("the deny-list", () => {
  it("knows a certificate by serial number and issuer", () => {
    const list = createDenyList();
    list.deny(at("01"), at("02"));
    expect(list.isDenied("01", "aa")).toBe(true);
    expect(list.isDenied("01", "bb")).toBe(false);
    expect(list.isDenied("03", "aa")).toBe(false);
  });

  it("lets a held certificate go, is replaced as a whole, and forgets the expired", () => {
    const list = createDenyList();
    list.deny(at("01"), at("02"));
    list.allow(at("01"));
    expect(list.isDenied("01", "aa")).toBe(false);
    list.replace([at("03", new Date(1_000)), at("04", new Date(3_000)), at("05")]);
    expect(list.isDenied("02", "aa")).toBe(false);
    list.dropExpired(new Date(2_000));
    expect([list.size, list.isDenied("03", "aa"), list.isDenied("04", "aa")]).toEqual([2, false, true]);
  });

  it("tells its listeners until they have heard enough", () => {
    const list = createDenyList();
    const listener = vi.fn();
    const stop = list.onChange(listener);
    list.deny(at("01"));
    stop();
    list.deny(at("02"));
    expect(listener).toHaveBeenCalledTimes(1);
  });
});
