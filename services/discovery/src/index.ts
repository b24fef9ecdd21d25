export { DiscoveryConfig } from "./config.ts";
export { discovery, type RunningDiscovery, startDiscovery } from "./service.ts";
