import { type Profile as ProfileMessage, ProfileServiceDefinition } from "@vcc-pki/proto/ca";
import { type Callers, implement, type ServiceImplementation } from "@vcc-pki/rpc";
import type { Profile } from "../profile.ts";
import type { Profiles } from "../profiles.ts";

const CALLERS: Callers<typeof ProfileServiceDefinition> = { list: ["any-suite"], get: ["any-suite"] };

/** Profiles are the same for every tenant and no secret. */
export const profileService = (profiles: Profiles): ServiceImplementation =>
  implement(
    ProfileServiceDefinition,
    {
      list: async () => ({ profiles: profiles.all().map(toProto) }),
      get: async (request) => toProto(profiles.get(request.profile)),
    },
    CALLERS,
  );

const toProto = (profile: Profile): ProfileMessage => ({
  profile: profile.profile,
  version: profile.version,
  description: profile.description,
  authorityId: profile.authority ?? "",
  validitySeconds: profile.validity / 1_000,
  renewalThresholdSeconds: profile.renewalThreshold / 1_000,
  autoRenewal: profile.autoRenewal,
  extendedKeyUsages: [...profile.extendedKeyUsageOids],
  keyAlgorithms: profile.keyAlgorithms,
  yaml: profile.yaml,
});
