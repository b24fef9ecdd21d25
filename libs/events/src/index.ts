export type { Bus, BusSubscription, Subscription, TailOptions } from "./bus.ts";
export { buildCloudEvent, type CloudEvent, type FactEvent, parseCloudEvent, parseFact } from "./cloud-event.ts";
export { event, FACTS, type FactData, type FactType, isFactType, subjectOf } from "./facts.ts";
export { followEvents } from "./follow.ts";
export { connectBus } from "./nats-bus.ts";
export type { BusIdentity, NatsOptions } from "./nats-link.ts";
export { type Relay, type RelayOptions, startRelay } from "./relay.ts";
export { type SubscribeOptions, subscribe } from "./subscribe.ts";
