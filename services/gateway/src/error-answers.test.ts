import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { answerUnparsable } from "./error-answers.ts";

/** What is written to a connection that fails with this code, and whether it is over. */
function answerTo(code: string): { said: string; isOver: boolean } {
  const connection = new PassThrough();
  answerUnparsable({ code }, connection as unknown as Socket);
  return { said: String(connection.read() ?? ""), isOver: connection.destroyed || connection.writableEnded };
}

describe("a connection that brings no request", () => {
  it.each([
    ["HPE_INVALID_METHOD", "HTTP/1.1 400 "],
    ["HPE_HEADER_OVERFLOW", "HTTP/1.1 431 "],
  ])("is told why: %s", (code, line) => {
    const { said, isOver } = answerTo(code);
    expect(said.startsWith(line)).toBe(true);
    expect(isOver).toBe(true);
  });

  it.each(["ERR_HTTP_REQUEST_TIMEOUT", "ECONNRESET"])("ends without a word: %s", (code) => {
    expect(answerTo(code)).toEqual({ said: "", isOver: true });
  });
});
