import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { describe, expect, it } from "vitest";
import { KeptAnswers } from "../src/index.ts";
import { newPlace } from "./place.ts";
import { newScratch } from "./scratch.ts";

const clock = fakeClock();
const text = ({ octets }: { octets: Uint8Array }) => Buffer.from(octets).toString();
const stale = { maxAgeMs: -1, isRight: () => true };
const fresh = { maxAgeMs: 60_000, isRight: () => true };

describe("answers that are kept", () => {
  it("are asked for again when they are no longer fresh, and only then", async () => {
    const { directory } = newScratch();
    const place = await newPlace(() => "one");
    const answers = new KeptAnswers(directory, clock);
    expect(text(await answers.get(place.request, fresh))).toBe("one");
    place.says = () => "two";
    expect(text(await answers.get(place.request, fresh))).toBe("one");
    expect(place.asked).toBe(1);
    clock.advance(60_001);
    expect(text(await answers.get(place.request, fresh))).toBe("two");
    clock.step(-120_000);
    expect(text(await answers.get(place.request, fresh))).toBe("two");
    expect(place.asked).toBe(3);
    expect(text(await answers.get(place.request, stale))).toBe("two");
    expect(text(await new KeptAnswers(directory, clock).get(place.request, fresh))).toBe("two");
  });

  it("serve when the place cannot be reached or fails, and say so", async () => {
    const { at } = newScratch();
    const place = await newPlace(() => "one");
    const answers = new KeptAnswers(at("kept"), clock);
    await answers.get(place.request, stale);
    expect(statSync(at("kept")).mode & 0o777).toBe(0o700);
    place.status = 500;
    expect(await answers.get(place.request, stale)).toMatchObject({ isKept: true });
    await place.stop();
    const kept = await answers.get(place.request, stale);
    expect([text(kept), kept.isKept]).toEqual(["one", true]);
  });

  it("are not there for who never got one", async () => {
    const { directory } = newScratch();
    const place = await newPlace(() => "one");
    await place.stop();
    await expect(new KeptAnswers(directory, clock).get(place.request, stale)).rejects.toMatchObject({
      code: "PEER_UNAVAILABLE",
    });
  });

  it("are not replaced by what is not right, nor by what has no end", async () => {
    const { directory } = newScratch();
    const place = await newPlace(() => "one");
    const answers = new KeptAnswers(directory, clock);
    await answers.get(place.request, stale);
    place.says = () => "rubbish";
    const isRight = (octets: Uint8Array) => text({ octets }) !== "rubbish";
    const wanted = { maxAgeMs: -1, isRight };
    expect(await answers.get(place.request, wanted)).toEqual({ octets: Buffer.from("one"), isKept: true });
    expect(text(await new KeptAnswers(newScratch().directory, clock).get(place.request, wanted))).toBe("rubbish");
    place.says = () => "x".repeat(101);
    expect(await answers.get(place.request, stale)).toMatchObject({ isKept: true });
    const [file] = readdirSync(directory);
    expect(readFileSync(join(directory, file as string), "utf8")).toBe("one");
  });

  it("are not read when somebody made them larger than an answer may be", async () => {
    const { directory } = newScratch();
    const place = await newPlace(() => "one");
    const answers = new KeptAnswers(directory, clock);
    await answers.get(place.request, stale);
    writeFileSync(join(directory, readdirSync(directory)[0] as string), "x".repeat(101));
    expect(text(await answers.get(place.request, fresh))).toBe("one");
    expect(place.asked).toBe(2);
  });
});
