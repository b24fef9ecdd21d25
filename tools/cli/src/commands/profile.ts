import { Profile, ProfileList } from "@vcc-pki/gateway/api";
import { formatDuration } from "@vcc-pki/time";
import type { Session } from "../session.ts";
import { table } from "../table.ts";

export async function listProfiles(session: Session): Promise<void> {
  const { profiles } = await session.client.call({ path: "/api/v1/profiles", answer: ProfileList });
  session.result({ profiles }, () =>
    table(
      ["profile", "authority", "life", "keys", "what it is for"],
      profiles.map((profile) => [
        profile.profile,
        profile.ca_id,
        formatDuration(profile.validity_seconds * 1000),
        profile.key_algorithms.join(" "),
        profile.description,
      ]),
      "no profiles",
    ),
  );
}

/** The profile as it is configured. */
export async function showProfile(id: string, session: Session): Promise<void> {
  const path = `/api/v1/profiles/${encodeURIComponent(id)}`;
  const profile = await session.client.call({ path, answer: Profile });
  session.result(profile, () => profile.yaml);
}
