import type { Clock } from "@vcc-pki/time";
import { Health } from "../api/health.ts";
import { type App, FOR_WORKLOADS_TOO } from "../http.ts";
import { refusals } from "./documented.ts";

export interface HealthRouteOptions {
  readonly version: string;
  readonly clock: Clock;
  /** Service to true, or why it does not serve. */
  readonly ready: () => Promise<Readonly<Record<string, true | string>>>;
}

/** Whether the suite behind the door can work. Always 200: whether this process runs is asked at its health port. */
export function healthRoute(app: App, { version, clock, ready }: HealthRouteOptions): void {
  app.get(
    "/api/v1/health",
    {
      config: FOR_WORKLOADS_TOO,
      schema: { tags: ["health"], summary: "Whether the suite can work", response: { 200: Health, ...refusals } },
    },
    async () => {
      const checks = Object.entries(await ready());
      return {
        status: checks.every(([, check]) => check === true) ? ("ok" as const) : ("degraded" as const),
        version,
        time: clock.now().toISOString(),
        components: Object.fromEntries(checks.map(([name, check]) => [name, check === true ? "ok" : check])),
      };
    },
  );
}
