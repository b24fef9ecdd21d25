import { ERRORS, type ErrorCode } from "@vcc-pki/errors";
import type { Health } from "./status.ts";

/** What a script may rely on; the numbers are those of vcc-pki. Printed by `vcc-agent --help`. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  unavailable: 5,
  approvalRequired: 6,
  clockWrong: 9,
  attention: 10,
  noCertificate: 11,
} as const;

type Exit = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_HELP = `
Exit codes:
  0    done; status: every identity has a valid certificate in service
  1    failed on this machine: a file, a hook, or what the service serves; the old certificate is in place
  2    wrong usage, or agent.yaml is not valid; nothing was sent
  3    refused: by the gateway, or the gateway is not the one with this fingerprint
  5    the gateway is not reachable, or not able to answer now; try again
  6    waits for administrators
  9    the clock of this machine is wrong
  10   status, once: an identity serves a valid certificate, but something failed (see status)
  11   status, once: an identity has no valid certificate in service
`;

const OF_CODE: Partial<Record<ErrorCode, Exit>> = {
  CONFIG_INVALID: EXIT.usage,
  APPROVAL_REQUIRED: EXIT.approvalRequired,
  CLOCK_WRONG: EXIT.clockWrong,
  FILE_NOT_WRITTEN: EXIT.failed,
  RELOAD_FAILED: EXIT.failed,
  CERTIFICATE_NOT_SERVED: EXIT.failed,
  INTERNAL: EXIT.failed,
};

/** What the gateway answers is refused for good, or may be tried again. */
export const exitOf = (code: ErrorCode): Exit =>
  OF_CODE[code] ?? (ERRORS[code].retry ? EXIT.unavailable : EXIT.refused);

const OF_HEALTH: Readonly<Record<Health, Exit>> = {
  ok: EXIT.ok,
  waiting: EXIT.approvalRequired,
  failing: EXIT.attention,
  "not enrolled": EXIT.noCertificate,
  expired: EXIT.noCertificate,
};

/** Of several identities, that of the worst. */
export const exitOfHealth = (healths: readonly Health[]): number =>
  Math.max(EXIT.ok, ...healths.map((health) => OF_HEALTH[health]));
