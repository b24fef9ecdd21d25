import { subjectAltName } from "@vcc-pki/x509";
import { makeCa } from "@vcc-pki/x509/test-authority";
import { GEN_TIME } from "@vcc-pki/x509/test-time-stamping-unit";
import {
  artefactDigest,
  type Bundle,
  buildBundle,
  buildRecallList,
  canonicalResources,
  RECALL_LIST_PAYLOAD_TYPE,
  type RecallEntry,
  type RecallEvidence,
  type RecallList,
  type RefusalCode,
  recallShardOf,
} from "../src/index.ts";
import { ADAPTER } from "./adapter.ts";
import { named, signer, signerWith } from "./relying-party.ts";
import { signBundle } from "./signed-bundle.ts";

export const HOUR_MS = 3_600_000;
export const hours = (count: number) => new Date(GEN_TIME.getTime() + count * HOUR_MS);
const suite = (service: string) => ({
  extensions: { subjectAltName: subjectAltName({ uri: [`spiffe://vcc.internal/pki/${service}`] }) },
});
const service = signerWith(suite("signing"));
const digest = artefactDigest("directory", canonicalResources(ADAPTER.resources));
const SIGNER = "spiffe://vcc.internal/org/brandenburg/service/clara-signer";

const said = { organisation: "brandenburg", reason: "poisoned data set", recalledAt: hours(1) };
const listWith = (entries: readonly RecallEntry[] = [], change: Partial<RecallList> = {}) =>
  buildRecallList({
    ...{ shard: recallShardOf(digest), number: 5, thisUpdate: hours(10), nextUpdate: hours(34), entries },
    ...change,
  });
const signList = (list: Uint8Array, by = service, payloadType = RECALL_LIST_PAYLOAD_TYPE): Bundle => ({
  ...signBundle(list, { by, payloadType }),
  timeStamps: [],
});
export const evidence = (bundle: Bundle, change: Partial<RecallEvidence> = {}): RecallEvidence => ({
  ...{ bundle: buildBundle(bundle), at: hours(12), graceMs: 0, lastNumber: 5 },
  ...change,
});
export const sound = signList(listWith());
const flipped = (octets: Uint8Array) => octets.with(20, (octets[20] as number) ^ 1);
const withPayload = (bundle: Bundle, payload: Uint8Array) => ({ ...bundle, envelope: { ...bundle.envelope, payload } });

/** Recall lists beside the adapter, and what is said of it under each where a list is required. */
export const RECALL_CASES: readonly (readonly [
  what: string,
  evidence: RecallEvidence | undefined,
  codes: RefusalCode[],
])[] = [
  ["a list without it", evidence(sound), []],
  ["a newer list", evidence(sound, { lastNumber: 4 }), []],
  ["a list out of date, within the grace", evidence(sound, { at: hours(35), graceMs: HOUR_MS }), []],
  [
    "a list in which others recalled it",
    evidence(signList(listWith([{ ...said, organisation: "sachsen", digest }]))),
    [],
  ],
  [
    "a list in which its signer was recalled later",
    evidence(signList(listWith([{ ...said, signer: SIGNER, since: hours(1) }]))),
    [],
  ],
  [
    "a list in which another signer was recalled",
    evidence(signList(listWith([{ ...said, signer: `${SIGNER}2`, since: hours(-1) }]))),
    [],
  ],
  ["a list in which it was recalled", evidence(signList(listWith([{ ...said, digest }]))), ["RECALLED"]],
  [
    "a list in which its signer was recalled before",
    evidence(signList(listWith([{ ...said, signer: SIGNER, since: hours(0) }]))),
    ["RECALLED"],
  ],
  ["no list", undefined, ["RECALL_NOT_KNOWN"]],
  [
    "a list of another shard",
    evidence(signList(listWith([], { shard: (recallShardOf(digest) + 1) % 16 }))),
    ["RECALL_NOT_KNOWN"],
  ],
  ["a list out of date", evidence(sound, { at: hours(35) }), ["RECALL_LIST_NOT_CURRENT"]],
  ["a list after the grace", evidence(sound, { at: hours(36), graceMs: HOUR_MS }), ["RECALL_LIST_NOT_CURRENT"]],
  ["a list from the future", evidence(sound, { at: hours(9) }), ["RECALL_LIST_NOT_CURRENT"]],
  ["an older list than was seen", evidence(sound, { lastNumber: 6 }), ["RECALL_LIST_NOT_CURRENT"]],
  ["a flipped bit in the list", evidence(withPayload(sound, flipped(listWith()))), ["RECALL_LIST_NOT_TRUSTED"]],
  [
    "an entry taken out of the list",
    evidence(withPayload(signList(listWith([{ ...said, digest }])), listWith())),
    ["RECALL_LIST_NOT_TRUSTED"],
  ],
  ["a list of another type", evidence(signList(listWith(), service, "text/plain")), ["RECALL_LIST_NOT_TRUSTED"]],
  ["no list in its envelope", evidence(signList(Buffer.from("{}"))), ["RECALL_LIST_NOT_TRUSTED"]],
  ["a list by an organisation's signer", evidence(signList(listWith(), signer)), ["RECALL_LIST_NOT_TRUSTED"]],
  [
    "a list by another service of the suite",
    evidence(signList(listWith(), signerWith(suite("tsa")))),
    ["RECALL_LIST_NOT_TRUSTED"],
  ],
  [
    "a list by the signing service of another trust domain",
    evidence(signList(listWith(), signerWith(named("spiffe://vcc.example/pki/signing")))),
    ["RECALL_LIST_NOT_TRUSTED"],
  ],
  [
    "a list under another root",
    evidence(signList(listWith(), signerWith({ ca: makeCa("Root"), ...suite("signing") }))),
    ["RECALL_LIST_NOT_TRUSTED"],
  ],
  [
    "a list by a certificate that has expired",
    evidence(signList(listWith(), signerWith({ ...suite("signing"), certificate: { notAfter: hours(11) } }))),
    ["RECALL_LIST_NOT_TRUSTED"],
  ],
  ["an envelope that cannot be read", { ...evidence(sound), bundle: Buffer.from("{}") }, ["RECALL_LIST_NOT_TRUSTED"]],
];
