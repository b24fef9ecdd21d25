export { AddressGuard, type GuardReason, type Lookup, resolverLookup, systemLookup } from "./address-guard.ts";
export { findAddress, Network } from "./network.ts";
