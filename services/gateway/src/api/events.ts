import { z } from "zod";
import { Scope } from "./fields.ts";

export const EventsQuery = Scope.extend({
  last: z.coerce
    .number()
    .int()
    .min(0)
    .max(10_000)
    .optional()
    .describe("Begins with so many of the newest; 0 when absent"),
});

/** CloudEvents 1.0, the `data` of each server-sent message. `data` inside is described per type in the events documentation. */
export const StreamedFact = z
  .object({
    specversion: z.literal("1.0"),
    id: z.string(),
    source: z.string(),
    type: z.string(),
    subject: z.string(),
    time: z.string(),
    data: z.unknown(),
  })
  .meta({ id: "Event" });
export type StreamedFact = z.infer<typeof StreamedFact>;
