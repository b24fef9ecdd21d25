import { describe, expect, it } from "vitest";
import { fields, table } from "./table.ts";

describe("table", () => {
  it("aligns columns and leaves no space at the end of a line", () => {
    expect(
      table(
        ["id", "names"],
        [
          ["a", "one"],
          ["longer", "two"],
        ],
        "none",
      ),
    ).toBe("ID      NAMES\na       one\nlonger  two");
  });

  it("says so when there is nothing", () => expect(table(["id"], [], "no certificates")).toBe("no certificates"));

  it("shows control and direction characters as what they are", () => {
    expect(table(["id"], [["a\u001b[31m\u202eb"]], "")).toContain("a\\u001b[31m\\u202eb");
  });
});

it("fields leaves out what is absent and indents what has several lines", () => {
  expect(
    fields([
      ["id", "1"],
      ["gone", undefined],
      ["names", "a\nb"],
    ]),
  ).toBe("id     1\nnames  a\n       b");
});
