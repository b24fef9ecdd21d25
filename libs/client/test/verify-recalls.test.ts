import { buildBundle, buildRecallList, RECALL_LIST_PAYLOAD_TYPE, type RecallList } from "@vcc-pki/artefact";
import { fakeClock } from "@vcc-pki/testkit/clock";
import { buildPae, subjectAltName } from "@vcc-pki/x509";
import { makeCodeSigner } from "@vcc-pki/x509/test-code-signer";
import { GEN_TIME } from "@vcc-pki/x509/test-time-stamping-unit";
import { describe, expect, it } from "vitest";
import { KeptAnswers, verifyArtefact } from "../src/index.ts";
import { newPlace } from "./place.ts";
import { newScratch } from "./scratch.ts";
import { hands, newAdapter, policyFor, trustIn } from "./signed.ts";

const HOUR_MS = 3_600_000;
const service = makeCodeSigner({
  ca: hands.signer.ca,
  extensions: { subjectAltName: subjectAltName({ uri: ["spiffe://vcc.internal/pki/signing"] }) },
});

function signList(list: RecallList, by = service): Buffer {
  const [payloadType, payload] = [RECALL_LIST_PAYLOAD_TYPE, buildRecallList(list)];
  const signatures = [by.signOctets(buildPae({ payloadType, payload }))];
  const envelope = { payloadType, payload, signatures };
  return buildBundle({ form: "chain", envelope, certificates: [by.certificate], timeStamps: [] });
}

/** An adapter, an hour after it was signed, and a place with recall lists that count for an hour. */
async function newSubject() {
  const clock = fakeClock(new Date(GEN_TIME.getTime() + HOUR_MS));
  const place = await newPlace(() => "");
  const { model } = newAdapter();
  const { directory } = newScratch();
  const kept = new KeptAnswers(directory, clock);
  const verify = (graceMs: number, recallUrl: string | undefined) =>
    verifyArtefact(model, {
      ...{ clock, remember: false, trust: trustIn(hands), online: { kept, graceMs, recallUrl } },
      policy: policyFor(hands.signer, { recall: "required" }),
    });
  const listWith =
    (change: Partial<RecallList> = {}, by = service) =>
    (path: string) => {
      const shard = Number.parseInt(/\/recall\/([0-9a-f])\.json$/.exec(path)?.[1] ?? "", 16);
      const thisUpdate = clock.now();
      const nextUpdate = new Date(thisUpdate.getTime() + HOUR_MS);
      return signList({ ...{ shard, number: 7, thisUpdate, nextUpdate, entries: [] }, ...change }, by);
    };
  place.says = listWith();
  const digest = await verify(0, place.origin).then((found) => (found.ok ? found.artefactDigest : undefined));
  if (digest === undefined) throw new Error("it has to hold at first");
  const entry = { organisation: "brandenburg", reason: "poisoned data set", recalledAt: clock.now(), digest };
  return {
    ...{ clock, place, listWith, entry, verify },
    /** Names of the verdicts that do not hold when recalls have to be known. */
    async faults(graceMs = 0, recallUrl: string | undefined = place.origin) {
      const { verdicts } = await verify(graceMs, recallUrl);
      return verdicts.flatMap(({ name, code }) => (code === undefined || code === "NOT_LOOKED_AT" ? [] : [name]));
    },
  };
}

describe("an artefact whose recall is asked about", () => {
  it("holds by the list of its shard, which is not asked for again at once", async () => {
    const { place, faults } = await newSubject();
    expect(await faults()).toEqual([]);
    expect(place.asked).toBe(1);
  });

  it("is refused within a minute after it was recalled", async () => {
    const { clock, place, listWith, entry, faults } = await newSubject();
    place.says = listWith({ number: 8, entries: [entry] });
    clock.advance(59_000);
    expect(await faults()).toEqual(["recall"]);
  });

  it("stays recalled when somebody brings the list from before", async () => {
    const { clock, place, listWith, entry, faults } = await newSubject();
    place.says = listWith({ number: 8, entries: [entry] });
    clock.advance(31_000);
    expect(await faults()).toEqual(["recall"]);
    place.says = listWith({ number: 7 });
    clock.advance(31_000);
    expect(await faults()).toEqual(["recall"]);
    clock.advance(HOUR_MS);
    expect(await faults()).toEqual(["recall-list-current"]);
  });

  it("holds by the list from before while nobody can be reached, until its grace ends", async () => {
    const { clock, place, faults } = await newSubject();
    await place.stop();
    clock.advance(HOUR_MS);
    expect(await faults()).toEqual([]);
    clock.advance(1);
    expect(await faults()).toEqual(["recall-list-current"]);
    expect(await faults(HOUR_MS)).toEqual([]);
    clock.advance(HOUR_MS);
    expect(await faults(HOUR_MS)).toEqual(["recall-list-current"]);
  });

  it("is refused with nobody to ask, with lists by somebody else and of another shard", async () => {
    const { clock, place, listWith, entry, faults, verify } = await newSubject();
    expect(await verify(0, undefined)).toMatchObject({ ok: false, problems: [] });
    const elsewhere = `${place.origin}/elsewhere`;
    place.says = listWith({}, hands.signer);
    clock.advance(31_000);
    expect(await faults(0, elsewhere)).toEqual(["recall-list"]);
    const shard = Number.parseInt(entry.digest.charAt("sha256:".length), 16);
    place.says = listWith({ shard: (shard + 1) % 16 });
    expect(await faults(0, elsewhere)).toEqual(["recall-known"]);
    place.says = () => "not found";
    place.status = 404;
    expect(await faults(0, `${place.origin}/nowhere`)).toEqual(["recall-known"]);
    expect((await verify(0, `${place.origin}/nowhere`)).problems).toEqual([
      { url: expect.stringMatching(/\/nowhere\/recall\/[0-9a-f]\.json$/), message: expect.any(String) },
    ]);
  });
});
