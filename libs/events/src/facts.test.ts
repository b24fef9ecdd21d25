import { describe, expect, it } from "vitest";
import { buildCloudEvent, event, FACTS, isFactType, parseCloudEvent, parseFact, subjectOf } from "./index.ts";

const DATA = {
  ...{ certificateId: "vcc-services-ca:01ab", authorityId: "vcc-services-ca", serialHex: "01ab" },
  ...{ profile: "mtls_service", notAfter: "2027-01-01T00:00:00Z" },
};

describe("facts", () => {
  it("go to the subject their type and organisation say", () => {
    expect(event("pki.certificate.expired.v1", "brandenburg", DATA)).toEqual({
      ...{ type: "pki.certificate.expired.v1", subject: "pki.brandenburg.certificate.expired", data: DATA },
    });
    expect(subjectOf("pki.crl.published.v1", "*")).toBe("pki.*.crl.published");
  });

  it.each(Object.keys(FACTS))("%s is an entity, a past fact and a version", (type) => {
    expect(type).toMatch(/^pki\.[a-z]+\.[a-z]+\.v\d+$/);
    expect(isFactType(type)).toBe(true);
  });

  it.each(["", "A", "a", "a.b", "*", ">", "-a-", "a b", "a".repeat(41), "../x"])(
    "refuse the organisation %j",
    (organisation) => {
      expect(() => event("pki.certificate.expired.v1", organisation, DATA)).toThrow();
    },
  );

  it.each([
    ["a field nobody agreed on", { ...DATA, holder: "Erika Mustermann" }],
    ["a serial in upper case", { ...DATA, serialHex: "01AB" }],
    ["a serial of odd length", { ...DATA, serialHex: "1ab" }],
    ["a time without zone", { ...DATA, notAfter: "2027-01-01T00:00:00" }],
    ["a missing field", { ...DATA, authorityId: undefined }],
  ])("refuse %s", (_case, data) => {
    expect(() => event("pki.certificate.expired.v1", "brandenburg", data as typeof DATA)).toThrow();
  });

  it("do not know what objects inherit", () => expect(isFactType("constructor")).toBe(false));
});

describe("CloudEvents", () => {
  const message = {
    ...{ id: 7, messageId: "01a20ac6-ad81-706a-b22a-b5d424540702", time: new Date("2026-11-01T00:00:00Z") },
    ...event("pki.certificate.expired.v1", "brandenburg", DATA),
  };
  const built = buildCloudEvent(message, "spiffe://vcc.internal/pki/ca");
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

  it("are version 1.0 in JSON", () => {
    expect(JSON.parse(JSON.stringify(built))).toEqual({
      ...{ specversion: "1.0", id: message.messageId, source: "spiffe://vcc.internal/pki/ca" },
      ...{ type: "pki.certificate.expired.v1", subject: "pki.brandenburg.certificate.expired" },
      ...{ time: "2026-11-01T00:00:00.000Z", datacontenttype: "application/json", data: DATA },
    });
  });

  it("come back as the fact they tell, with the organisation", () => {
    const fact = parseFact(parseCloudEvent(bytes({ ...built, traceparent: "00-ab-cd-01" })));
    expect(fact).toMatchObject({
      type: "pki.certificate.expired.v1",
      organisation: "brandenburg",
      data: DATA,
      traceparent: "00-ab-cd-01",
    });
  });

  it("may say more than we know, which we leave out", () => {
    const newer = { ...built, extension: 1, data: { ...DATA, colour: "red" } };
    expect(parseFact(parseCloudEvent(bytes(newer)))?.data).toEqual(DATA);
  });

  it("may tell what we do not know", () => {
    expect(parseFact(parseCloudEvent(bytes({ ...built, type: "pki.unicorn.seen.v1" })))).toBeUndefined();
    expect(parseFact(parseCloudEvent(bytes({ ...built, type: "pki.certificate.expired.v2" })))).toBeUndefined();
  });

  it.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["not JSON", new TextEncoder().encode("{")],
    ["not UTF-8", new Uint8Array([0x22, 0xff, 0x22])],
    ["no object", bytes("event")],
    ["another version", bytes({ ...built, specversion: "0.3" })],
    ["no id", bytes({ ...built, id: "" })],
    ["a foreign subject", bytes({ ...built, subject: "other.a.b.c" })],
    ["a subject of three tokens", bytes({ ...built, subject: "pki.a.b" })],
  ])("are refused when they are %s", (_case, body) => {
    expect(() => parseCloudEvent(body)).toThrow(expect.objectContaining({ code: "REQUEST_MALFORMED" }));
  });

  it("are refused when the data is not that of the type", () => {
    const spoiled = parseCloudEvent(bytes({ ...built, data: { ...DATA, serialHex: 5 } }));
    expect(() => parseFact(spoiled)).toThrow(expect.objectContaining({ code: "REQUEST_MALFORMED" }));
  });
});
