export { GatewayConfig } from "./config.ts";
export { buildGateway, type GatewayOptions, type Peers } from "./gateway.ts";
export { gateway } from "./service.ts";
