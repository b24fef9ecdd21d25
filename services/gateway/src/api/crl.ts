import { z } from "zod";

/** Which of an authority's lists. */
export const CrlQuery = z.strictObject({
  shard: z.coerce.number().int().min(0).max(65_535).optional().describe("0 when absent"),
  delta: z.enum(["true", "false"]).optional().describe("true: the changes since the last full list"),
});
