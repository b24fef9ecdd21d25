import { TIME_STAMP_CORRUPTIONS } from "@vcc-pki/x509/time-stamp-corruptions";
import { describe, expect, it } from "vitest";
import { CORRUPTIONS } from "./corruption.ts";
import { findOverlooked, OVERLOOKED } from "./overlooked.ts";

const JUDGES = Object.keys(OVERLOOKED);
const crafted = TIME_STAMP_CORRUPTIONS.map(({ what }) => what);

describe("what judges overlook", () => {
  it.each(JUDGES)("in %s are corruptions that there are, each for one reason", (judge) => {
    const named = Object.values(OVERLOOKED[judge] ?? {}).flat();
    const known = new Set([...crafted, ...CORRUPTIONS.map(({ name }) => name)]);
    expect(named.filter((what) => !known.has(what))).toEqual([]);
    expect(named.length).toBe(new Set(named).size);
  });

  it("leaves fifty crafted corruptions that two judges or more refuse, and a few that are refused by ours alone", () => {
    const judgesAgainst = (what: string) => JUDGES.filter((judge) => findOverlooked(judge, what) === undefined).length;
    expect(crafted.filter((what) => judgesAgainst(what) >= 2).length).toBeGreaterThanOrEqual(50);
    expect(crafted.filter((what) => judgesAgainst(what) === 0)).toEqual([
      "SignedData of version 1",
      "SignerInfo of version 3",
      "a CA's certificate",
      "a time after the key's use",
      "a critical extension",
    ]);
  });

  it("stands in TIME-STAMPS.md", async () => {
    await expect(renderTable()).toMatchFileSnapshot("../TIME-STAMPS.md");
  });
});

function renderTable(): string {
  const rows = TIME_STAMP_CORRUPTIONS.map(({ what, check }) => [
    ...[what, check],
    ...JUDGES.map((judge) => findOverlooked(judge, what) ?? "refuses"),
  ]);
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const head = ["Corruption", "Our first check that fails", ...JUDGES];
  return `# Corrupted time stamps, and who refuses them

Written by \`src/overlooked.test.ts\` (\`./pki test tools/conformance -u\`) out of the corruptions in libs/x509 and \`src/overlooked.ts\`; \`./pki conformance\` fails where a
judge does otherwise. Ours refuses all of them. Where a judge accepts one, its cell says why.

${[line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")}
`;
}
