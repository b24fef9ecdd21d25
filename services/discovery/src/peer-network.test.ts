import { expect, it } from "vitest";
import { checkNetwork, isInNetwork } from "./peer-network.ts";

it.each([
  ["10.1.2.3", "10.1.0.0/16", true],
  ["10.2.2.3", "10.1.0.0/16", false],
  ["::ffff:10.1.2.3", "10.1.0.0/16", true],
  ["2001:db8::1", "2001:db8::/32", true],
  ["10.1.2.3", "::/0", false],
  ["", "0.0.0.0/0", false],
  ["localhost", "0.0.0.0/0", false],
])("%s in %s: %s", (address, network, expected) => expect(isInNetwork(address, network)).toBe(expected));

it.each(["10.1.0.0", "10.1.2.3/16", "10.1.0.0/33", "anywhere"])("%s is no network", (network) =>
  expect(() => checkNetwork(network)).toThrow(expect.objectContaining({ code: "REQUEST_MALFORMED" })),
);
