export { contextOf, type World } from "./agent.ts";
export { AgentConfig, type Identity, loadSettings, type Settings } from "./config.ts";
export { enrol, requestEnrolment } from "./enrol.ts";
export { LayoutProfile } from "./layout.ts";
export { maintain } from "./maintain.ts";
export { servedAt } from "./prove.ts";
export { runAgent, runOnce } from "./run.ts";
