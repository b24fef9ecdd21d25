import type { Profile as ProtoProfile } from "@vcc-pki/proto/ca";
import type { Profile } from "../api/profiles.ts";

export const profileToJson = (profile: ProtoProfile): Profile => ({
  profile: profile.profile,
  version: profile.version,
  description: profile.description,
  ca_id: profile.authorityId,
  validity_seconds: profile.validitySeconds,
  renewal_threshold_seconds: profile.renewalThresholdSeconds,
  auto_renewal: profile.autoRenewal,
  extended_key_usages: profile.extendedKeyUsages,
  key_algorithms: profile.keyAlgorithms,
  yaml: profile.yaml,
});
