import { describe, expect, it, vi } from "vitest";
import { MessageQueue } from "./message-queue.ts";

const all = async <T>(queue: AsyncIterable<T>): Promise<T[]> => Array.fromAsync(queue);

describe("a message queue", () => {
  it("gives what was pushed, in order, whether the reader was waiting or not", async () => {
    const queue = new MessageQueue<number>();
    queue.push(1);
    const read = all(queue);
    await Promise.resolve();
    queue.push(2);
    queue.push(3);
    queue.end();
    queue.push(4);
    expect(await read).toEqual([1, 2, 3]);
  });

  it("gives what came before a failure, then the failure once, then nothing", async () => {
    const queue = new MessageQueue<number>();
    queue.push(1);
    queue.fail(new Error("over"));
    expect((await queue.next()).value).toBe(1);
    await expect(queue.next()).rejects.toThrow("over");
    expect((await queue.next()).done).toBe(true);
  });

  it("wakes a waiting reader with the failure or the end", async () => {
    const [failing, ending] = [new MessageQueue<number>(), new MessageQueue<number>()];
    const [failed, ended] = [failing.next(), ending.next()];
    failing.fail(new Error("over"));
    ending.end();
    await expect(failed).rejects.toThrow("over");
    expect((await ended).done).toBe(true);
  });

  it("asks for a pause when the reader is behind, and for more when it has caught up", async () => {
    const flow = { pause: vi.fn(), resume: vi.fn() };
    const queue = new MessageQueue<number>();
    queue.attach(flow);
    for (let i = 0; i < 40; i++) queue.push(i);
    expect([flow.pause.mock.calls.length, flow.resume.mock.calls.length]).toEqual([1, 0]);
    for (let i = 0; i < 40; i++) expect((await queue.next()).value).toBe(i);
    expect(flow.resume).toHaveBeenCalledTimes(1);
  });

  it("tells when the reader leaves, and drops what is left", async () => {
    const left = vi.fn();
    const queue = new MessageQueue<number>();
    queue.attach({ pause() {}, resume() {} }, left);
    queue.push(1);
    queue.push(2);
    for await (const _ of queue) break;
    expect(left).toHaveBeenCalledTimes(1);
    expect((await queue.next()).done).toBe(true);
  });
});
