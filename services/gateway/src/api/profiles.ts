import { z } from "zod";
import { ProfileId } from "./fields.ts";

export const Profile = z
  .object({
    profile: z.string(),
    version: z.int(),
    description: z.string(),
    ca_id: z.string(),
    validity_seconds: z.int(),
    renewal_threshold_seconds: z.int(),
    auto_renewal: z.boolean(),
    extended_key_usages: z.array(z.string()),
    key_algorithms: z.array(z.string()),
    yaml: z.string().describe("The profile as loaded"),
  })
  .meta({ id: "Profile" });
export type Profile = z.infer<typeof Profile>;

export const ProfileList = z.object({ profiles: z.array(Profile) }).meta({ id: "ProfileList" });

export const ProfileParams = z.strictObject({ profile: ProfileId });
