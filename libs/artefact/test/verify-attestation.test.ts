import { expect, it } from "vitest";
import { ATTESTATION_CASES, allowing } from "./attestation-cases.ts";
import { refusals } from "./relying-party.ts";

it.each(ATTESTATION_CASES)("an attestation %s: %o", (_, question, codes) => {
  expect(refusals({ ...question, policy: allowing })).toEqual(codes);
});
