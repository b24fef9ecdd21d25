import { PUBLISH_CORRUPTIONS } from "@vcc-pki/artefact/publish-corruptions";
import { expect, it } from "vitest";
import { findOverlookedAttestation, OVERLOOKED_ATTESTATIONS } from "./overlooked-attestations.ts";

const JUDGES = Object.keys(OVERLOOKED_ATTESTATIONS);

it.each(JUDGES)("%s overlooks corruptions that there are, each for one reason, and none of the signature", (judge) => {
  const named = Object.values(OVERLOOKED_ATTESTATIONS[judge] ?? {}).flat();
  const crafted = PUBLISH_CORRUPTIONS.map(([what]) => what);
  expect(named.filter((what) => !crafted.includes(what))).toEqual([]);
  expect(named.length).toBe(new Set(named).size);
  const wrong = PUBLISH_CORRUPTIONS.filter(([, , codes]) => codes[0] === "SIGNATURE_INVALID");
  expect(wrong.filter(([what]) => findOverlookedAttestation(judge, what) !== undefined)).toEqual([]);
});
