import type { ProfileServiceDefinition } from "@vcc-pki/proto/ca";
import type { Remote } from "@vcc-pki/rpc";
import { Profile, ProfileList, ProfileParams } from "../api/profiles.ts";
import { type App, onBehalfOf } from "../http.ts";
import { profileToJson } from "../wire/profile.ts";
import { refusals } from "./documented.ts";

const tags = ["profiles"];

/** What kinds of certificates there are. */
export function profileRoutes(app: App, profiles: Remote<ProfileServiceDefinition>): void {
  app.get(
    "/api/v1/profiles",
    { schema: { tags, summary: "All certificate profiles", response: { 200: ProfileList, ...refusals } } },
    async (request) => {
      const answer = await profiles.list({}, onBehalfOf(request));
      return { profiles: answer.profiles.map(profileToJson) };
    },
  );

  app.get(
    "/api/v1/profiles/:profile",
    {
      schema: {
        tags,
        summary: "One certificate profile",
        params: ProfileParams,
        response: { 200: Profile, ...refusals },
      },
    },
    async (request) => profileToJson(await profiles.get({ profile: request.params.profile }, onBehalfOf(request))),
  );
}
