import { PkiError } from "@vcc-pki/errors";
import type { SpiffeId } from "@vcc-pki/x509";

/** Who may call: the name of a suite service ("ca"), or a kind of identity. "anyone" is any verified certificate. */
export type CallerRule = "any-suite" | "any-workload" | "any-admin" | "anyone" | (string & {});

const KIND_RULES = new Map<string, (caller: SpiffeId) => boolean>([
  ["anyone", () => true],
  ["any-suite", (caller) => caller.kind === "suite"],
  ["any-workload", (caller) => caller.kind === "workload"],
  ["any-admin", (caller) => caller.kind === "admin"],
]);

function admits(rule: CallerRule, caller: SpiffeId): boolean {
  const ofKind = KIND_RULES.get(rule);
  return ofKind ? ofKind(caller) : caller.kind === "suite" && caller.service === rule;
}

/** Throws CALLER_NOT_ALLOWED unless a rule names the caller. No rules admit nobody. */
export function requireCaller(rules: readonly CallerRule[], caller: SpiffeId): void {
  if (!rules.some((rule) => admits(rule, caller))) {
    throw new PkiError("CALLER_NOT_ALLOWED", "this caller may not use this method");
  }
}
