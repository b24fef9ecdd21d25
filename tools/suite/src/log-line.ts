const KNOWN = new Set(["level", "time", "service", "pid", "msg", "error", "traceId"]);

/** One line of a log for a person: time, service, level, message, then the fields. What is not one of our JSON lines stays as it is. */
export function formatLogLine(line: string): string {
  const record = parse(line);
  if (record === undefined) return line;
  const { time, service, level, msg, error } = record;
  const fields = Object.entries(record)
    .filter(([name]) => !KNOWN.has(name))
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const head = [String(time).slice(11, 23), String(service).padEnd(11), String(level).padEnd(5), String(msg)];
  return [...head, ...fields].join(" ") + formatError(error);
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const record = JSON.parse(line);
    return "msg" in record && "time" in record ? record : undefined;
  } catch {
    return undefined;
  }
}

function formatError(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  const { code, message, stack } = error as Record<string, unknown>;
  return `\n  ${[code, message].filter((part) => part !== undefined).join(": ")}${stack === undefined ? "" : `\n  ${String(stack).replaceAll("\n", "\n  ")}`}`;
}
