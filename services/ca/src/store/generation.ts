import { PkiError } from "@vcc-pki/errors";
import type { Database, Store } from "@vcc-pki/store";
import type { Clock } from "@vcc-pki/time";

const GREATEST = 0x7f;

/** The first octet of serial numbers. */
export function readGeneration(db: Database): number {
  const generation = db.prepare<[], number>("SELECT generation FROM serial_generation WHERE id = 1").pluck().get();
  if (generation === undefined) throw new Error("the database has no serial generation");
  return generation;
}

/** To be called once after a backup has been restored and before the service starts: serial numbers of the new generation cannot
 *  repeat any that were given out after the backup. Returns it. Throws CONFIG_INVALID after 126 restores. */
export function bumpGeneration(store: Store, clock: Clock): Promise<number> {
  return store.write(() => {
    const generation = readGeneration(store.db) + 1;
    if (generation > GREATEST)
      throw new PkiError("CONFIG_INVALID", "serial generations are used up: start a new authority");
    store.db
      .prepare("UPDATE serial_generation SET generation = ?, since = ? WHERE id = 1")
      .run(generation, clock.now().getTime());
    return generation;
  });
}
