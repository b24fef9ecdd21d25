import type { Facts, TranscriptEntry } from "./transcript.ts";

const LINE_LENGTH = 110;

/** Facts that a person does not read here: the script is a file of its own. */
const LEFT_OUT = new Set(["scriptText", "number"]);

/** One entry for people, with its hash: at the end of a ceremony they write the last one down. */
export function formatEntry({ sequence, at, event, facts, hash }: TranscriptEntry): string {
  const lines = Object.entries(facts).flatMap(([name, value]) => (LEFT_OUT.has(name) ? [] : formatFact(name, value)));
  return [
    `${String(sequence).padStart(3)}  ${at}  ${event}`,
    ...lines.map((line) => `     ${line}`),
    `     = ${hash}`,
  ].join("\n");
}

/** A step in one line: what it is called and what it made. Undefined for what is not worth a line. */
export function formatBriefly({ event, facts, hash }: TranscriptEntry): string | undefined {
  if (event === "ceremony finished") return `  finished; last hash of the transcript: ${hash}`;
  if (event !== "step done") return undefined;
  const { number, step, ...made } = facts;
  const values = Object.values(made);
  const list = values.find((value) => Array.isArray(value) && value.some((item) => typeof item === "object"));
  const named = (list as Facts[] | undefined)?.map((item) => Object.values(item)[0]).join(", ");
  return `  ${String(number).padStart(2)}  ${String(step).padEnd(28)}${named ?? String(values[0]).replaceAll(",", ", ")}`;
}

function formatFact(name: string, value: unknown): string[] {
  const label = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  if (!Array.isArray(value)) return [`${label}: ${String(value)}`];
  if (value.every((item) => typeof item !== "object")) return [`${label}: ${value.join(", ") || "none"}`];
  return [`${label}:`, ...value.flatMap((item) => formatItem(item as Facts))];
}

/** One thing of several: its facts, as many to a line as a terminal takes. */
function formatItem(facts: Facts): string[] {
  const words = Object.entries(facts).map(([name, value]) => {
    const text = Array.isArray(value) ? value.join(" ") || "none" : String(value);
    return `${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)} ${text}`;
  });
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length + 2 <= LINE_LENGTH)
      lines[lines.length - 1] = `${last}, ${word}`;
    else lines.push(word);
  }
  return lines.map((line, index) => (index === 0 ? `  - ${line}` : `    ${line}`));
}
