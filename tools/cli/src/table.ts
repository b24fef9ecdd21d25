import Table from "cli-table3";

/** Columns without lines: readable, and still easy to cut with awk. Headings are upper case. */
const BARE = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "", middle: "  " },
};

const STYLE = { "padding-left": 0, "padding-right": 0, head: [], border: [] };

/** A table of texts, one row per line. An empty list says so instead. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[], empty: string): string {
  if (rows.length === 0) return empty;
  const drawn = new Table({ head: headings.map((heading) => heading.toUpperCase()), chars: BARE, style: STYLE });
  for (const row of rows) drawn.push(row.map(printable));
  return trimLines(drawn.toString());
}

/** Names and values of one thing, one per line; absent values are left out. */
export function fields(entries: readonly (readonly [string, string | undefined])[]): string {
  const shown = entries.flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, value] as const],
  );
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  const continued = `\n${" ".repeat(width + 2)}`;
  return shown
    .map(([name, value]) => `${name.padEnd(width)}  ${value.split("\n").map(printable).join(continued)}`)
    .join("\n");
}

/** Text from a certificate or a server may hold anything; what would steer a terminal is shown as its code point. */
export const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });

const trimLines = (text: string): string =>
  text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
