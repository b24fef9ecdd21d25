/** Who calls, and who may: identities are names of certificates (`libs/x509`). */
export { checkTrustDomain, DEFAULT_TRUST_DOMAIN, parseSpiffeId, type SpiffeId, suiteId } from "@vcc-pki/x509";
export type { CallerRule } from "./callers.ts";
export { type ConnectOptions, connect } from "./connect.ts";
export type { CallContext } from "./context.ts";
export type { Callers, CallOptions, Handlers, Remote, ServiceDefinition } from "./definition.ts";
export { createDenyList, type DeniedCertificate, type DenyList, type WritableDenyList } from "./deny-list.ts";
export type { Refusal } from "./dispatcher.ts";
export type { IdentityMaterial, IdentitySource } from "./identity.ts";
export { implement, type ServiceImplementation } from "./implement.ts";
export { connectInProcess, type InProcessOptions } from "./in-process.ts";
export { answerItems } from "./item-answers.ts";
export {
  type ItemAnswer,
  ItemChannel,
  type ItemChannelOptions,
  type ItemFailure,
  type StreamItem,
} from "./item-channel.ts";
export { DEFAULT_LIMITS, type RpcLimits } from "./limits.ts";
export { type Peer, readPeer } from "./peer.ts";
export { itemKey, type RequestKey, requestKey } from "./request-key.ts";
export { type RpcServer, type ServeOptions, serve } from "./serve.ts";
export {
  type SocketContext,
  type SocketHandlers,
  type SocketOptions,
  type SocketServer,
  serveSocket,
} from "./serve-socket.ts";
