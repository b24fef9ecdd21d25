import { z } from "zod";
import { Timestamp } from "./fields.ts";

export const Health = z
  .object({
    status: z.enum(["ok", "degraded"]),
    version: z.string(),
    time: Timestamp,
    components: z.record(z.string(), z.string()).describe("Service to ok, or why it does not serve"),
  })
  .meta({ id: "Health" });
export type Health = z.infer<typeof Health>;
