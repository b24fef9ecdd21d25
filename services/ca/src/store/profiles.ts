import type { Database } from "@vcc-pki/store";

/** A profile as it was in force from `recordedAt` until the next version. */
export interface ProfileVersion {
  readonly profile: string;
  readonly version: number;
  /** Of the YAML. */
  readonly sha256: Uint8Array;
  readonly yaml: string;
  readonly recordedAt: Date;
}

/** Every version of every profile. */
export class ProfileTable {
  readonly #organisation: string;
  readonly #sql;

  constructor(db: Database, operatorOrganisation: string) {
    this.#organisation = operatorOrganisation;
    this.#sql = {
      insert: db.prepare(
        "INSERT INTO profiles (organisation, profile, version, sha256, yaml, recorded_at) VALUES (?, ?, ?, ?, ?, ?)",
      ),
      latest: db.prepare<[string, string], { version: number; sha256: Buffer }>(
        `SELECT version, sha256 FROM profiles WHERE organisation = ? AND profile = ? ORDER BY version DESC LIMIT 1`,
      ),
      first: db
        .prepare<[string, string], number>(
          "SELECT recorded_at FROM profiles WHERE organisation = ? AND profile = ? AND version = 1",
        )
        .pluck(),
    };
  }

  /** Since when there has been such a profile. */
  firstRecordedAt(profile: string): Date | undefined {
    const recordedAt = this.#sql.first.get(this.#organisation, profile);
    return recordedAt === undefined ? undefined : new Date(recordedAt);
  }

  findLatest(profile: string): Pick<ProfileVersion, "version" | "sha256"> | undefined {
    return this.#sql.latest.get(this.#organisation, profile);
  }

  insert({ profile, version, sha256, yaml, recordedAt }: ProfileVersion): void {
    this.#sql.insert.run(this.#organisation, profile, version, sha256, yaml, recordedAt.getTime());
  }
}
