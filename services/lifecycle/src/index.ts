export { LifecycleConfig } from "./config.ts";
export { lifecycle, type RunningLifecycle, startLifecycle } from "./service.ts";
