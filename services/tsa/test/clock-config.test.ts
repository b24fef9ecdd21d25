import { randomBytes } from "node:crypto";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { ClockConfig, ClockProof, createSources } from "../src/clock/index.ts";

type Input = z.input<typeof ClockConfig>;
const newProof = (input: Input, clock = fakeClock()) => {
  const config = ClockConfig.parse(input);
  const sources = createSources(config, { clock, random: randomBytes });
  return new ClockProof({ config, clock, random: randomBytes, sources, record: () => {} });
};
const FOUR = ["a.example", "b.example", "c.example", "d.example"];

describe("the configuration", () => {
  it.each([
    ["ntp.example", "ntp.example", 123],
    ["ntp.example:1123", "ntp.example", 1_123],
    ["192.0.2.1", "192.0.2.1", 123],
    ["[2001:db8::1]", "2001:db8::1", 123],
    ["[2001:db8::1]:99", "2001:db8::1", 99],
  ])("%s is a server", (text, host, port) => {
    expect(ClockConfig.parse({ servers: [text] }).servers).toEqual([{ host, port }]);
  });

  it.each(["", ":123", "ntp.example:0", "ntp.example:65536", "ntp.example:x", "2001:db8::1", "[ntp.example]", "a b"])(
    "%j is none",
    (text) => expect(ClockConfig.safeParse({ servers: [text] }).success).toBe(false),
  );

  it("with four servers makes sense as it is, and so does an unproven clock", () => {
    expect(newProof({ servers: FOUR }).isProven).toBe(true);
    expect(newProof({ unproven: true }).isProven).toBe(false);
  });

  it.each<[string, Input]>([
    ["nobody to ask", {}],
    ["too few servers", { servers: FOUR.slice(2) }],
    ["a server twice", { servers: [...FOUR, "a.example:123"] }],
    ["an unproven clock beside servers", { servers: FOUR, unproven: true }],
    ["a daemon that counts for three", { daemon: "chrony" }],
    ["evidence that ends before the next comes", { servers: FOUR, evidencePeriod: "70s" }],
    ["an accuracy that drift uses up", { servers: FOUR, accuracy: "35ms" }],
    ["a step tolerance that a reading is beyond", { servers: FOUR, stepTolerance: "1ms" }],
  ])("with %s is refused", (_, input) => {
    expect(() => newProof(input)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});
