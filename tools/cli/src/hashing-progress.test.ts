import { describe, expect, it } from "vitest";
import { progressText, sizeText } from "./hashing-progress.ts";

describe("how far a hashing is", () => {
  it("reads as a share, a rate and what is left", () => {
    const progress = {
      doneOctets: 63,
      totalOctets: 100,
      rememberedOctets: 0,
      octetsPerSecond: 1_130_000_000,
      remainingMs: 2_300,
    };
    expect(progressText(progress)).toBe("63 %, 1.1 GB/s, 3s left");
    expect(progressText({ ...progress, doneOctets: 0, octetsPerSecond: 0, remainingMs: undefined })).toBe("0 %, 0 B/s");
    expect(progressText({ ...progress, doneOctets: 0, totalOctets: 0, remainingMs: 0 })).toBe(
      "100 %, 1.1 GB/s, 0s left",
    );
  });

  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_500, "1.5 kB"],
    [640_000_000, "640 MB"],
    [5e15, "5000 TB"],
  ])("%d octets read %s", (octets, text) => expect(sizeText(octets)).toBe(text));
});
