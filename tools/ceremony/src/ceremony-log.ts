import { appendFileSync } from "node:fs";
import { dirname } from "node:path";
import { ensurePrivateDirectory, type Home } from "@vcc-pki/suite-tool";
import { createLogger, type Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";

/** What the services say while a ceremony uses them: for the file, not for the people in the room. */
export function openCeremonyLog(home: Home, clock: Clock): Logger {
  const file = home.log("ceremony");
  ensurePrivateDirectory(dirname(file));
  const destination = { write: (line: string) => appendFileSync(file, line, { mode: 0o600 }) };
  return createLogger({ service: "ceremony", level: "info", destination, clock });
}
