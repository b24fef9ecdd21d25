import type { Facts, TranscriptEntry } from "./transcript.ts";

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

function formatFact(name: string, value: unknown): string[] {
  const label = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  if (!Array.isArray(value)) return [`${label}: ${formatValue(value)}`];
  if (value.every((item) => typeof item !== "object")) return [`${label}: ${value.join(", ") || "none"}`];
  return [`${label}:`, ...value.map((item) => `  - ${formatValue(item)}`)];
}

function formatValue(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value as Facts)
    .map(([name, inner]) => `${name} ${Array.isArray(inner) ? inner.join("+") || "none" : inner}`)
    .join(", ");
}
