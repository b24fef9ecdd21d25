import { ContentInfo, SignedData } from "@peculiar/asn1-cms";
import { AsnConvert, type OctetString } from "@peculiar/asn1-schema";
import { TimeStampReq, TSTInfo } from "@peculiar/asn1-tsp";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  buildTimeStampReq,
  HASH_ALGORITHMS,
  type HashAlgorithm,
  imprintData,
  OID,
  parseTimeStampReq,
  parseTimeStampToken,
  TokenTemplate,
} from "../src/index.ts";
import * as arbitrary from "./arbitraries.ts";
import { makeCa } from "./authority.ts";
import { bytes, serialized } from "./peculiar.ts";
import { makeUnit, TEST_POLICY } from "./time-stamping-unit.ts";

/* Time stamps: what we write they read, and encode to the same octets. */

const unit = makeUnit();
const chain = [makeCa("A").certificate, makeCa("B").certificate];
const hex = (octets: Uint8Array) => Buffer.from(octets).toString("hex");
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const messageImprint = fc
  .tuple(fc.constantFrom(...(Object.keys(HASH_ALGORITHMS) as HashAlgorithm[])), fc.uint8Array({ maxLength: 20 }))
  .map(([hash, data]) => imprintData(hash, data));
/** Content octets of an INTEGER with its sign, in the shortest form. */
const nonce = fc
  .uint8Array({ minLength: 1, maxLength: 40 })
  .filter(
    ([first = 0, second]) =>
      second === undefined || !((first === 0 && second < 128) || (first === 255 && second > 127)),
  );
const genTime = fc.date({ min: new Date("2000-01-01"), max: new Date("2099-12-31"), noInvalidDate: true });
const accuracy = fc
  .record({ seconds: fc.nat(60), millis: fc.nat(999), micros: fc.nat(999) })
  .filter(({ seconds, millis, micros }) => seconds + millis + micros > 0);
const policy = fc.constantFrom(TEST_POLICY, "1.2.3", "2.999.1");

describe("requests", () => {
  it("say the same to @peculiar/asn1-tsp, which encodes them to the same octets", () => {
    fc.assert(
      fc.property(
        messageImprint,
        optional(policy),
        optional(nonce),
        fc.boolean(),
        (imprint, reqPolicy, value, certReq) => {
          const ours = buildTimeStampReq({ messageImprint: imprint, reqPolicy, nonce: value, certReq });
          const theirs = AsnConvert.parse(ours, TimeStampReq);
          expect(hex(bytes(theirs.messageImprint.hashedMessage))).toBe(hex(imprint.digest));
          expect(theirs.nonce && hex(bytes(theirs.nonce))).toBe(value && hex(value));
          expect(hex(serialized(theirs))).toBe(hex(ours));
          const { hash, digest } = imprint;
          const read = parseTimeStampReq(ours);
          expect(read).toMatchObject({ version: 1, messageImprint: { hash }, reqPolicy, certReq });
          expect([hex(read.messageImprint.digest), read.nonce && hex(read.nonce)]).toEqual([
            hex(digest),
            value && hex(value),
          ]);
        },
      ),
    );
  });
});

describe("tokens", () => {
  const template = fc.record({
    accuracy: optional(accuracy),
    ordering: fc.boolean(),
    withTsaName: fc.boolean(),
    algorithmProtection: fc.boolean(),
    chain: fc.constantFrom([], chain),
    fractionDigits: fc.constantFrom<0 | 1 | 2 | 3>(0, 1, 2, 3),
  });
  const fields = fc.record({ messageImprint, serial: arbitrary.serial, genTime, nonce: optional(nonce) });
  const signingTime = optional(genTime);

  it("say the same to @peculiar/asn1-cms and asn1-tsp, which encode them to the same octets", () => {
    fc.assert(
      fc.property(template, fields, signingTime, fc.boolean(), (options, said, time, certReq) => {
        const { certificate, signatureAlgorithm } = unit;
        const units = new TokenTemplate({ certificate, signatureAlgorithm, policy: TEST_POLICY, ...options });
        const tstInfoDer = units.tstInfo(said);
        const signedAttributesDer = units.signedAttributes(tstInfoDer, time);
        const signature = Uint8Array.of(0x30, 6, 2, 1, 1, 2, 1, 1);
        const ours = units.token({ tstInfoDer, signedAttributesDer, signature, certReq });

        const info = AsnConvert.parse(ours, ContentInfo);
        expect([info.contentType, hex(serialized(info))]).toEqual([OID.signedData, hex(ours)]);
        const signed = AsnConvert.parse(info.content, SignedData);
        expect(hex(serialized(signed))).toBe(hex(new Uint8Array(info.content)));
        expect(signed.version).toBe(3);
        const content = bytes(signed.encapContentInfo.eContent?.single as OctetString);
        expect([signed.encapContentInfo.eContentType, hex(content)]).toEqual([OID.tstInfo, hex(tstInfoDer)]);
        expect(signed.certificates?.length ?? 0).toBe(certReq ? 1 + options.chain.length : 0);
        const [signer] = signed.signerInfos;
        expect(signer?.version).toBe(1);
        const oids = [...(signer?.signedAttrs ?? [])].map(({ attrType }) => attrType);
        expect(oids.includes(OID.cmsAlgorithmProtection)).toBe(options.algorithmProtection);
        expect(oids.includes(OID.signingTime)).toBe(time !== undefined);

        const theirs = AsnConvert.parse(tstInfoDer, TSTInfo);
        expect([theirs.policy, theirs.ordering]).toEqual([TEST_POLICY, options.ordering]);
        expect(hex(bytes(theirs.serialNumber))).toBe(hex(said.serial));
        expect(theirs.nonce && hex(bytes(theirs.nonce))).toBe(said.nonce && hex(said.nonce));

        const read = parseTimeStampToken(ours);
        expect(hex(read.signedData.signerInfos[0]?.signedAttributesDer ?? new Uint8Array())).toBe(
          hex(signedAttributesDer),
        );
        expect(theirs.genTime).toEqual(read.tstInfo.genTime);
        const granularityMs = 10 ** (3 - options.fractionDigits);
        expect(read.tstInfo.genTime.getTime()).toBe(Math.floor(said.genTime.getTime() / granularityMs) * granularityMs);
        expect(read.tstInfo).toMatchObject({ accuracy: options.accuracy, ordering: options.ordering });
      }),
    );
  });
});
