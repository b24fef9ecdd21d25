import { describe, expect, it } from "vitest";
import { startDriver } from "./driver.ts";

const node = (program: string) => startDriver("tool", process.execPath, ["-e", program]);
const ECHO =
  'require("node:readline").createInterface(process.stdin).on("line", (line) => console.log(line.toUpperCase()))';

describe("a driver", () => {
  it("answers in order", async () => {
    const tool = node(ECHO);
    expect(await Promise.all(["one", "two", "three"].map((line) => tool.ask(line)))).toEqual(["ONE", "TWO", "THREE"]);
    tool.close();
  });

  it("that ends leaves no question open", async () => {
    const tool = node('process.stdin.once("data", () => process.exit(3))');
    await expect(tool.ask("one")).rejects.toThrow("tool ended with exit code 3");
  });

  it("that ended before it was asked, or never started, says so", async () => {
    await expect(startDriver("tool", "/no/such/tool", []).ask("one")).rejects.toThrow("tool did not start");
    const tool = node("");
    await expect(tool.ask("one")).rejects.toThrow("tool ended");
    await expect(tool.ask("two")).rejects.toThrow("tool ended");
  });
});
