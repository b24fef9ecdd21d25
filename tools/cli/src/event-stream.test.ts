import { describe, expect, it } from "vitest";
import { readEvents } from "./event-stream.ts";

async function read(...chunks: (string | Uint8Array)[]) {
  const encoder = new TextEncoder();
  const stream = async function* () {
    for (const chunk of chunks) yield typeof chunk === "string" ? encoder.encode(chunk) : chunk;
  };
  return Array.fromAsync(readEvents(stream()));
}

describe("event stream", () => {
  it("reads messages with id, name and several data lines, and passes over comments", async () => {
    expect(await read(": hello\n\nid: 7\nevent: pki\ndata: {\ndata: }\n\ndata:x\n\n")).toEqual([
      { id: "7", event: "pki", data: "{\n}" },
      { id: undefined, event: "message", data: "x" },
    ]);
  });

  it("does not care where chunks end, also inside a character", async () => {
    const bytes = new TextEncoder().encode("id: 1\r\ndata: Übung\r\n\r\n");
    const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
    expect(await read(...single)).toEqual([{ id: "1", event: "message", data: "Übung" }]);
  });

  it("drops a message that was cut off", async () => {
    expect(await read("data: whole\n\ndata: cut")).toHaveLength(1);
  });

  it("gives up on a message without end", async () => {
    await expect(read("data: ", "x".repeat(2_000_000))).rejects.toThrow();
  });
});
