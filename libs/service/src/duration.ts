import { parseDuration } from "@vcc-pki/time";
import { z } from "zod";

/** "90d", "24h", "1h30m" in a configuration file, in milliseconds. */
export const Duration = z.string().transform((text, context) => {
  try {
    return parseDuration(text);
  } catch {
    context.addIssue({ code: "custom", message: `not a duration: "${text}"` });
    return z.NEVER;
  }
});
