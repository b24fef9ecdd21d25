import { parseCertificate, pemDecode, toHex } from "@vcc-pki/x509";
import { afterAll, beforeAll, expect, it } from "vitest";
import { followEvents } from "./follow.ts";
import { newSuite, type Suite } from "./suite.ts";

let suite: Suite;
beforeAll(async () => {
  // So that nothing but the push can end a stream.
  suite = await newSuite({ eventHeartbeat: 3_600_000 });
});
afterAll(() => suite.close());

it("ends an open stream at once, and that of nobody else", async () => {
  const [anna, bert] = [await suite.person("brandenburg", "anna"), await suite.person("brandenburg", "bert")];
  const streams = { anna: followEvents(suite, anna), bert: followEvents(suite, bert) };
  await Promise.all(Object.values(streams).map((stream) => stream.until(": connected")));
  const [leaf = new Uint8Array()] = pemDecode(anna.chainPem);
  const issuerKeyId = toHex(parseCertificate(leaf).authorityKeyIdentifier ?? new Uint8Array());
  suite.denyList.deny({ serialHex: anna.serialHex, issuerKeyId });
  await streams.anna.ended;
  expect((await suite.knock({ path: "/api/v1/profiles", as: anna })).json().code).toBe("CALLER_REVOKED");
  const body = { reason: "superseded" };
  const event = suite.knock({ path: `/api/v1/certs/revoke/${anna.certificateId}`, body, as: bert });
  expect((await event).status).toBe(200);
  await suite.told();
  await streams.bert.until("pki.certificate.revoked.v1");
  streams.bert.hangUp();
});
