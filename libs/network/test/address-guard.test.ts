import { AddressGuard, type GuardReason, resolverLookup } from "@vcc-pki/network";
import { describe, expect, it } from "vitest";
import { serveDns } from "./dns-server.ts";

/** Everything there is, which opens nothing that is guarded. */
const everywhere = new AddressGuard(["0.0.0.0/0", "::/0"]);

describe("guarded, whatever wide network is allowed", () => {
  const GUARDED: readonly (readonly [string, GuardReason])[] = [
    ["127.0.0.1", "loopback"],
    ["127.255.255.254", "loopback"],
    ["::1", "loopback"],
    ["169.254.0.1", "linkLocal"],
    ["fe80::1", "linkLocal"],
    ["febf::1", "linkLocal"],
    ["fe80::1%eth0", "zone"],
    ["169.254.169.254", "metadata"],
    ["169.254.170.2", "metadata"],
    ["100.100.100.200", "metadata"],
    ["192.0.0.192", "metadata"],
    ["fd00:ec2::254", "metadata"],
    ["fd00:0ec2:0:0:0:0:0:254", "metadata"],
    ["fd20:ce::254", "metadata"],
    ["224.0.0.1", "multicast"],
    ["239.255.255.250", "multicast"],
    ["ff02::1", "multicast"],
    ["0.0.0.0", "unspecified"],
    ["0.1.2.3", "unspecified"],
    ["::", "unspecified"],
    ["255.255.255.255", "broadcast"],
    ["::ffff:10.0.0.1", "embedded"],
    ["::ffff:7f00:1", "embedded"],
    ["::ffff:a9fe:a9fe", "embedded"],
    ["::7f00:1", "embedded"],
    ["64:ff9b::a9fe:a9fe", "embedded"],
    ["64:ff9b::169.254.169.254", "embedded"],
    ["2002:7f00:1::", "embedded"],
    ["2001:0:1::1", "embedded"],
    ["0x7f.1", "unresolved"],
    ["2130706433", "unresolved"],
    ["0177.0.0.1", "unresolved"],
    ["127.1", "unresolved"],
    ["", "unresolved"],
  ];
  it.each(GUARDED)("%s: %s", (address, reason) => {
    expect(everywhere.refusalOf(address)).toBe(reason);
  });

  it.each(["10.0.0.1", "172.20.0.5", "192.168.178.94", "203.0.113.1", "fd12:3456::1", "2a01:4f8::1"])(
    "not %s",
    (address) => {
      expect(everywhere.refusalOf(address)).toBeUndefined();
    },
  );
});

describe("named networks", () => {
  it("are all that is connected to", () => {
    const guard = new AddressGuard(["10.1.0.0/16"]);
    expect(guard.refusalOf("10.1.255.255")).toBeUndefined();
    expect(guard.refusalOf("10.2.0.0")).toBe("notAllowed");
    expect(guard.refusalOf("fd00::1")).toBe("notAllowed");
    expect(new AddressGuard([]).refusalOf("10.1.0.1")).toBe("notAllowed");
  });

  it("open loopback and link-local as far as they reach", () => {
    const guard = new AddressGuard(["127.0.0.0/30", "169.254.0.0/16", "::1/128"]);
    expect(guard.refusalOf("127.0.0.1")).toBeUndefined();
    expect(guard.refusalOf("127.0.0.4")).toBe("loopback");
    expect(guard.refusalOf("::1")).toBeUndefined();
    expect(guard.refusalOf("169.254.1.1")).toBeUndefined();
  });

  it("never open a metadata address", () => {
    expect(new AddressGuard(["169.254.0.0/16"]).refusalOf("169.254.169.254")).toBe("metadata");
    expect(new AddressGuard(["fd00::/8"]).refusalOf("fd00:ec2::254")).toBe("metadata");
  });

  it("never open an IPv4 address in another dress", () => {
    expect(new AddressGuard(["127.0.0.0/8"]).refusalOf("::ffff:127.0.0.1")).toBe("embedded");
    expect(new AddressGuard(["127.0.0.0/8"]).refusalOf("::ffff:7f00:1")).toBe("embedded");
  });

  it.each([
    "169.254.169.254/32",
    "224.0.0.0/24",
    "::ffff:a00:0/104",
    "0.0.0.0/8",
    "10.0.0.1/8",
    "10.0.0.0",
    "10.0.0.0/33",
    "x",
  ])("are not %s", (network) => {
    expect(() => new AddressGuard([network])).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});

describe("names", () => {
  const resolving = (...answers: string[][]) => {
    let asked = 0;
    const lookup = async () => answers[Math.min(asked++, answers.length - 1)] ?? [];
    return { guard: new AddressGuard(["10.0.0.0/8", "fd00::/8"], lookup), asked: () => asked };
  };
  const refused = (reason: GuardReason) => expect.objectContaining({ code: "PROBE_REFUSED", details: { reason } });

  it("are asked for once, and what came is what is connected to", async () => {
    const { guard, asked } = resolving(["10.0.0.1"], ["169.254.169.254"]);
    expect(await guard.resolve("rebinding.example")).toEqual(["10.0.0.1"]);
    expect(asked()).toBe(1);
    await expect(guard.resolve("rebinding.example")).rejects.toEqual(refused("metadata"));
  });

  it.each([
    ["a metadata address", ["169.254.169.254"], "metadata"],
    ["a metadata address of IPv6", ["fd00:ec2::254"], "metadata"],
    ["one among good ones", ["10.0.0.1", "127.0.0.1"], "loopback"],
    [
      "one beyond those that are tried",
      [...Array.from({ length: 9 }, (_, i) => `10.0.0.${i}`), "8.8.8.8"],
      "notAllowed",
    ],
    ["a mapped one", ["::ffff:10.0.0.1"], "embedded"],
    ["nothing", [], "unresolved"],
    ["a flood", Array.from({ length: 65 }, () => "10.0.0.1"), "unresolved"],
  ] as const)("of %s are refused", async (_, answer, reason) => {
    await expect(resolving([...answer]).guard.resolve("x.example")).rejects.toEqual(refused(reason));
  });

  it("that nobody knows are refused, without the resolver's words", async () => {
    const guard = new AddressGuard(["10.0.0.0/8"], () =>
      Promise.reject(new Error("queryA ENOTFOUND internal-resolver")),
    );
    await expect(guard.resolve("x.example")).rejects.toMatchObject({
      code: "PROBE_REFUSED",
      message: "x.example does not resolve",
    });
  });

  it("are not asked for by those who may connect to nothing", async () => {
    const guard = new AddressGuard([], () => expect.unreachable());
    await expect(guard.resolve("x.example")).rejects.toEqual(refused("notAllowed"));
  });

  it("that take too long are given up", async () => {
    const guard = new AddressGuard(["10.0.0.0/8"], () => new Promise(() => {}));
    await expect(guard.resolve("x.example", AbortSignal.timeout(20))).rejects.toEqual(refused("unresolved"));
  });

  it("that only look like names are what the system takes them for", async () => {
    const guard = new AddressGuard(["0.0.0.0/0"]);
    for (const host of ["127.1", "2130706433", "0x7f000001", "localhost"])
      await expect(guard.resolve(host)).rejects.toMatchObject({ code: "PROBE_REFUSED" });
  });
});

describe("names, by a DNS server", () => {
  const GOOD = { type: "A", name: "a.example", ttl: 0, data: "10.0.0.1" } as const;
  const METADATA = { type: "AAAA", name: "a.example", ttl: 0, data: "fd00:ec2::254" } as const;
  const guarded = (server: { address: string }) =>
    new AddressGuard(["10.0.0.0/8"], resolverLookup([server.address], 200));

  it("are looked at in both families", async () => {
    const server = await serveDns((_, type) => (type === "A" ? [GOOD] : [METADATA]));
    await expect(guarded(server).resolve("a.example")).rejects.toMatchObject({ details: { reason: "metadata" } });
    server.close();
  });

  it("with answers that change are asked once in each", async () => {
    let count = 0;
    const server = await serveDns((_, type) =>
      type === "A" ? [count++ === 0 ? GOOD : { ...GOOD, data: "127.0.0.1" }] : [],
    );
    expect(await guarded(server).resolve("a.example")).toEqual(["10.0.0.1"]);
    expect([...server.asked].sort()).toEqual(["a.example A", "a.example AAAA"]);
    await expect(guarded(server).resolve("a.example")).rejects.toMatchObject({ details: { reason: "loopback" } });
    server.close();
  });

  it("of a server that refuses questions for IPv6 are what it says", async () => {
    const REFUSED = 5;
    const server = await serveDns((_, type) => (type === "A" ? [GOOD] : REFUSED));
    expect(await guarded(server).resolve("a.example")).toEqual(["10.0.0.1"]);
    server.close();
  });

  it("that nobody has are refused", async () => {
    const server = await serveDns(() => undefined);
    await expect(guarded(server).resolve("a.example")).rejects.toMatchObject({ details: { reason: "unresolved" } });
    server.close();
  });
});
