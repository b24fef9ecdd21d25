import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PkiError } from "@vcc-pki/errors";
import { event } from "@vcc-pki/events";
import type { Store } from "@vcc-pki/store";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import { type Profile, parseProfile } from "./profile.ts";
import type { ProfileTable } from "./store/profiles.ts";

/** The profiles in force. */
export interface Profiles {
  /** Throws PROFILE_UNKNOWN. */
  get(name: string): Profile;
  find(name: string): Profile | undefined;
  all(): Profile[];
}

/** Every `*.yaml` of a directory. Throws CONFIG_INVALID naming the file. */
export function readProfiles(directory: string, policyArc: string): Omit<Profile, "version">[] {
  const files = readdirSync(directory)
    .filter((file) => file.endsWith(".yaml"))
    .sort();
  return files.map((file) => {
    try {
      const profile = parseProfile(readFileSync(join(directory, file), "utf8"), policyArc);
      if (`${profile.profile}.yaml` !== file) throw new PkiError("CONFIG_INVALID", "the file is named otherwise");
      return profile;
    } catch (cause) {
      const reason = cause instanceof PkiError ? cause.message : "not YAML";
      throw new PkiError("CONFIG_INVALID", `${join(directory, file)}: ${reason}`, { cause });
    }
  });
}

export interface ProfilesContext {
  readonly store: Store;
  readonly table: ProfileTable;
  readonly operatorOrganisation: string;
  /** SPIFFE URI of this service. */
  readonly self: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Puts profiles into force. One whose YAML differs from the newest version on record becomes the next version, with its hash,
 *  an audit record and an event, all in one transaction. */
export async function recordProfiles(
  read: readonly Omit<Profile, "version">[],
  context: ProfilesContext,
): Promise<Profiles> {
  const profiles = await context.store.write(() => read.map((profile) => recordOne(profile, context)));
  for (const { profile, minimumRsaBits } of profiles) {
    if (minimumRsaBits < 3072) context.log.warn("profile admits weak RSA keys", { profile, minimumRsaBits });
  }
  const byName = new Map(profiles.map((profile) => [profile.profile, profile]));
  return {
    find: (name) => byName.get(name),
    all: () => profiles,
    get(name) {
      const profile = byName.get(name);
      if (profile === undefined) throw new PkiError("PROFILE_UNKNOWN", "no such profile");
      return profile;
    },
  };
}

function recordOne(read: Omit<Profile, "version">, context: ProfilesContext): Profile {
  const { store, table, operatorOrganisation, self, clock } = context;
  const latest = table.findLatest(read.profile);
  if (latest && Buffer.compare(latest.sha256, read.sha256) === 0) return { ...read, version: latest.version };
  const version = (latest?.version ?? 0) + 1;
  table.insert({ ...read, version, recordedAt: clock.now() });
  store.audit.add({
    action: "policy.change",
    outcome: "done",
    caller: self,
    requester: self,
    organisation: operatorOrganisation,
    target: `profile:${read.profile}`,
    details: { version, sha256: Buffer.from(read.sha256).toString("hex") },
  });
  store.outbox.add(
    event("pki.policy.changed.v1", operatorOrganisation, { policy: "profile", policyId: read.profile, version }),
  );
  return { ...read, version };
}
