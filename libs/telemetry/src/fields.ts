/** Names whose values are never written, compared in lower case. `keyId` and `pinFile` are not secrets; `key` and `pin` are. */
const SECRET_NAMES: ReadonlySet<string> = new Set([
  ...["pin", "password", "passphrase", "secret", "token", "authorization", "cookie"],
  ...["key", "keypem", "keyder", "keyhex", "privatekey", "privatekeypem"],
  ...["csr", "csrpem", "csrder"],
]);

const MAX_DEPTH = 6;
const MAX_ENTRIES = 100;

/** A copy of `fields` that is safe to write: secrets by name and raw bytes are left out, errors become plain objects. */
export function safeFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return safeObject(fields, 0);
}

function safeObject(value: object, depth: number): Record<string, unknown> {
  const safe: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value).slice(0, MAX_ENTRIES)) {
    safe[name] = SECRET_NAMES.has(name.toLowerCase()) && inner !== undefined ? "[redacted]" : safeValue(inner, depth);
  }
  return safe;
}

function safeValue(value: unknown, depth: number): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return "[too deep]";
  if (value instanceof Error) return safeError(value, depth + 1);
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map((item) => safeValue(item, depth + 1));
  return safeObject(value, depth + 1);
}

/** `code` is ours for a PkiError and Node's ("ECONNREFUSED") for system errors; other properties may hold anything and stay out. */
function safeError(error: Error & { code?: unknown; details?: unknown }, depth: number): Record<string, unknown> {
  const { name, code, message, stack, details, cause } = error;
  const safe: Record<string, unknown> = { name, code, message, stack };
  if (details !== undefined) safe.details = safeValue(details, depth);
  if (cause !== undefined) safe.cause = safeValue(cause, depth);
  if (error instanceof AggregateError) safe.errors = safeValue(error.errors, depth);
  return safe;
}
