import { AsnConvert } from "@peculiar/asn1-schema";
import { TSTInfo } from "@peculiar/asn1-tsp";
import { describe, expect, it } from "vitest";
import { patched } from "../../test/crafted.ts";
import { GEN_TIME, makeUnit, TEST_POLICY } from "../../test/time-stamping-unit.ts";
import { encode, imprintData, parseTstInfo, TAG, TokenTemplate, type TokenTemplateFields, toHex } from "../index.ts";

const unit = makeUnit();
const { certificate, signatureAlgorithm } = unit;
const messageImprint = imprintData("sha384", Buffer.from("data"));
const serial = Uint8Array.of(0x01, ...new Uint8Array(19));
const tstInfo = (fields: Partial<TokenTemplateFields> = {}, genTime = GEN_TIME, nonce?: Uint8Array) =>
  new Uint8Array(
    new TokenTemplate({ certificate, signatureAlgorithm, policy: TEST_POLICY, ...fields }).tstInfo({
      ...{ messageImprint, serial, genTime, nonce },
    }),
  );
/** What no template writes. */
const longSerial = (): Uint8Array =>
  encode((writer) => {
    writer.generalizedTime(GEN_TIME);
    writer.primitive(TAG.INTEGER, Uint8Array.of(1, ...new Uint8Array(21)));
    const end = writer.mark();
    writer.octetString(messageImprint.digest);
    writer.raw(messageImprint.hashAlgorithmDer);
    writer.wrap(TAG.SEQUENCE, end);
    writer.oid(TEST_POLICY);
    writer.integer(1);
    writer.wrap(TAG.SEQUENCE, 0);
  });
const timeIn = (der: Uint8Array) => /\d{14}(\.\d*)?Z/.exec(Buffer.from(der).toString("latin1"))?.[0];

describe("TSTInfo", () => {
  it.each<[0 | 1 | 2 | 3, number, string]>([
    [0, 789, "20261101123456Z"],
    [1, 789, "20261101123456.7Z"],
    [2, 789, "20261101123456.78Z"],
    [3, 789, "20261101123456.789Z"],
    [3, 780, "20261101123456.78Z"],
    [3, 700, "20261101123456.7Z"],
    [3, 0, "20261101123456Z"],
    [2, 5, "20261101123456Z"],
    [3, 5, "20261101123456.005Z"],
  ])("writes genTime to %i digits of %i ms as %s", (fractionDigits, ms, text) => {
    const genTime = new Date(GEN_TIME.getTime() - 789 + ms);
    const der = tstInfo({ fractionDigits }, genTime);
    expect(timeIn(der)).toBe(text);
    const digits = 10 ** (3 - fractionDigits);
    expect(parseTstInfo(der).genTime.getTime()).toBe(Math.floor(genTime.getTime() / digits) * digits);
  });

  it("leaves out what is nothing", () => {
    const bare = tstInfo();
    const said = tstInfo(
      { accuracy: { seconds: 1, micros: 0 }, ordering: true, withTsaName: true },
      GEN_TIME,
      Uint8Array.of(7),
    );
    expect(parseTstInfo(bare)).toMatchObject({
      accuracy: undefined,
      ordering: false,
      nonce: undefined,
      extensions: [],
    });
    expect(parseTstInfo(said)).toMatchObject({
      ...{ accuracy: { seconds: 1, millis: 0, micros: 0 }, ordering: true, nonce: Uint8Array.of(7) },
      ...{ serial, policy: TEST_POLICY },
    });
    expect(Buffer.from(said).includes(certificate.subject.der)).toBe(true);
  });

  it("is read alike by @peculiar/asn1-tsp", () => {
    const accuracy = { seconds: 2, millis: 3, micros: 4 };
    const read = AsnConvert.parse(tstInfo({ accuracy, ordering: true }, GEN_TIME, Uint8Array.of(7)), TSTInfo);
    expect({ ...read.accuracy }).toMatchObject(accuracy);
    expect([read.version, read.policy, read.ordering]).toEqual([1, TEST_POLICY, true]);
    expect(toHex(new Uint8Array(read.messageImprint.hashedMessage.buffer))).toBe(toHex(messageImprint.digest));
    expect(toHex(new Uint8Array(read.serialNumber))).toBe(toHex(serial));
  });

  it.each<[string, () => unknown]>([
    ["an accuracy of nothing", () => tstInfo({ accuracy: {} })],
    ["an accuracy of 1,000 ms", () => tstInfo({ accuracy: { millis: 1_000 } })],
    ["an accuracy below nothing", () => tstInfo({ accuracy: { seconds: -1 } })],
  ])("does not come with %s", (_, make) => expect(make).toThrow(RangeError));

  it.each([
    [Uint8Array.of(0x80)],
    [Uint8Array.of(0, 1)],
    [new Uint8Array()],
    [Uint8Array.of(1, ...new Uint8Array(21))],
  ])("does not come with serial number %s", (number) => {
    const template = new TokenTemplate({ certificate, signatureAlgorithm, policy: TEST_POLICY });
    expect(() => template.tstInfo({ messageImprint, serial: number, genTime: GEN_TIME })).toThrow(RangeError);
  });

  const said = tstInfo({ accuracy: { millis: 500 } });
  it.each<[string, Uint8Array]>([
    ["a negative serial number", patched(said, serial, Uint8Array.of(0x81, ...serial.subarray(1)))],
    ["an accuracy of 1,000 ms", patched(said, "800201f4", "800203e8")],
    ["an accuracy of 0 ms", patched(tstInfo({ accuracy: { millis: 5 } }), "800105", "800100")],
    ["a serial number of 161 bits", longSerial()],
  ])("is not read with %s", (_, der) => {
    expect(() => parseTstInfo(der)).toThrow(expect.objectContaining({ code: "DER_MALFORMED" }));
  });

  it("comes from a template only for an algorithm of the key", () => {
    expect(() => tstInfo({ signatureAlgorithm: "rsa-pss-sha256" })).toThrow(
      expect.objectContaining({ code: "ALGORITHM_NOT_ALLOWED" }),
    );
  });
});
