import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { openStore } from "@vcc-pki/store";
import { homeAt } from "@vcc-pki/suite-tool";
import { systemClock } from "@vcc-pki/time";
import { SerialSource } from "@vcc-pki/tsa/serial";
import { SummaryTable } from "@vcc-pki/tsa/store/summary";
import { type StoredToken, TokenTable } from "@vcc-pki/tsa/store/tokens";
import { UnitKeyTable } from "@vcc-pki/tsa/store/unit-keys";
import { messageImprintOf, parseCertificate, TokenTemplate } from "@vcc-pki/x509";

const MIGRATIONS = pathToFileURL(`${resolve(import.meta.dirname, "../../../../services/tsa/migrations")}/`);
const BATCH = 10_000;
const SPACING_MS = 250;

/** Puts tokens into the log of a tsa that is not running, through its own tables: a TSTInfo and the attributes over it for each, under a
 *  serial number, a digest and a time of its own. But for those they are like the last one in the log, whose signature they all bear, so
 *  that they are logged in minutes. They were made in the past, a quarter of a second apart, and events have told of them. */
export async function prefillTokens(home: string, count: number, progress: (count: number) => void): Promise<void> {
  const store = openStore({ ...homeAt(home).database("tsa"), migrations: MIGRATIONS, clock: systemClock });
  const tokens = new TokenTable(store.db);
  const summary = new SummaryTable(store.db);
  try {
    const pattern = tokens.find(tokens.bounds().last);
    if (pattern === undefined) throw new Error("there is no token to make others like");
    const another = likeIt(pattern, new UnitKeyTable(store.db));
    const firstMs = systemClock.now().getTime() - count * SPACING_MS;
    for (let from = 0; from < count; from += BATCH) {
      await store.write(() => {
        for (let i = from; i < Math.min(from + BATCH, count); i++) {
          tokens.insert(another(new Date(firstMs + i * SPACING_MS)));
        }
        summary.setLastTold(tokens.bounds().last);
      });
      progress(Math.min(from + BATCH, count));
    }
  } finally {
    await store.close();
  }
}

/** What makes a token of that time by the key of this one. */
function likeIt(pattern: StoredToken, unitKeys: UnitKeyTable): (genTime: Date) => Omit<StoredToken, "token"> {
  const key = unitKeys.all().find(({ unitKey }) => unitKey === pattern.unitKey);
  const [certificate] = key?.issued?.chainDer.map(parseCertificate) ?? [];
  if (key === undefined || certificate === undefined) throw new Error("its key has no certificate");
  const { algorithm: signatureAlgorithm } = key;
  const { policy } = pattern;
  const template = new TokenTemplate({
    certificate,
    signatureAlgorithm,
    policy,
    accuracy: { seconds: 1 },
    fractionDigits: 3,
  });
  let nowMs = 0;
  const serials = new SerialSource({ ...systemClock, now: () => new Date(nowMs) });
  return (genTime) => {
    nowMs = genTime.getTime();
    const serial = serials.next();
    const digest = randomBytes(32);
    const messageImprint = messageImprintOf("sha256", digest);
    const tstInfoDer = template.tstInfo({ messageImprint, serial, genTime, nonce: randomBytes(8).fill(0x40, 0, 1) });
    return {
      ...pattern,
      serial,
      digest,
      genTime,
      tstInfoDer,
      signedAttributesDer: template.signedAttributes(tstInfoDer),
    };
  };
}
