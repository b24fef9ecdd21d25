import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { BaseConfig, defineService, runService } from "../src/index.ts";

const TinyConfig = BaseConfig.extend({
  /** Rejects a promise that nobody waits for. */
  stray: z.boolean().default(false),
});

/** A service with nothing of its own, to be run as a process and to show what surrounds one. */
await runService(
  defineService({
    name: "tiny",
    config: TinyConfig,
    async start({ stray }, { log }) {
      if (stray) void sleep(50).then(() => Promise.reject(new Error("nobody listens")));
      return { services: [], ready: async () => ({ tiny: true }), close: async () => log.info("tiny closed") };
    },
  }),
);
