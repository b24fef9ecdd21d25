/** Identities for mutual TLS in tests. They live beside libs/rpc, whose own tests stand below testkit. */
export {
  createTestIdentities,
  type TestIdentities,
  type TestIdentity,
  type TestIdentityOptions,
} from "@vcc-pki/rpc/test-identities";
