export { HsmGatewayConfig } from "./config.ts";
export { hsmGateway } from "./service.ts";
export {
  initialiseToken,
  inspectToken,
  type PrivateKeyFacts,
  type TokenFacts,
  type TokenSetup,
} from "./token-setup.ts";
