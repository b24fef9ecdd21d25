import { describe, expect, it } from "vitest";
import { parseNameSearch, searchTerms } from "./search.ts";

const terms = searchTerms({
  dns: ["argus.vcc.internal", "api.argus.vcc.internal"],
  ip: ["10.1.2.3"],
  uri: ["spiffe://vcc.internal/org/brandenburg/service/argus"],
  email: [],
});
const finds = (search: string): string[] => {
  const { from, to, matches } = parseNameSearch(search);
  const found = terms.filter((term) => term >= from && term < to);
  expect(found).toEqual(terms.filter(matches));
  return found;
};

describe("search by name", () => {
  it("finds a name as it stands", () => {
    expect(finds("argus.vcc.internal")).toEqual(["argus.vcc.internal"]);
    expect(finds("10.1.2.3")).toEqual(["10.1.2.3"]);
    expect(finds("argus.vcc.interna")).toEqual([]);
  });

  it("finds by prefix", () => {
    expect(finds("argus*")).toEqual(["argus.vcc.internal"]);
    expect(finds("spiffe://vcc.internal/org/brandenburg/*")).toHaveLength(1);
  });

  it("finds what lies below a suffix, by whole labels", () => {
    expect(finds("*.vcc.internal")).toEqual(["<internal.vcc.argus", "<internal.vcc.argus.api"]);
    expect(finds("*.argus.vcc.internal")).toEqual(["<internal.vcc.argus.api"]);
    expect(finds("*.cc.internal")).toEqual([]);
  });

  it.each(["*", "a*b", "*.a*", "**", `${"a".repeat(500)}`])("refuses %j", (search) => {
    expect(() => parseNameSearch(search)).toThrow(expect.objectContaining({ code: "REQUEST_MALFORMED" }));
  });
});
