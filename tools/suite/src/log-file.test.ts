import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openLogFile } from "./log-file.ts";

it("appends, rotates without losing a line, and keeps as many files as told", () => {
  const path = join(mkdtempSync(join(tmpdir(), "pki-log-")), "deep/ca.log");
  const write = (from: number, to: number): void => {
    const log = openLogFile(path, { maxBytes: 30, keep: 2 });
    for (let line = from; line < to; line++) log.write(`line ${line} ...\n`);
    log.close();
  };
  write(0, 3);
  write(3, 8);
  expect([path, `${path}.1`, `${path}.2`].map((file) => readFileSync(file, "utf8").match(/\d/g)?.join(""))).toEqual([
    "67",
    "45",
    "23",
  ]);
  expect(existsSync(`${path}.3`)).toBe(false);
});
