import {
  basicConstraints,
  buildExtension,
  constructedContext,
  encode,
  extendedKeyUsage,
  imprintData,
  keyUsage,
  OID,
  privateKeyUsagePeriod,
  TAG,
} from "../../src/index.ts";
import { GEN_TIME } from "../time-stamping-unit.ts";
import {
  byUnitWith,
  DATA,
  messageImprint,
  NONCE,
  type Row,
  stranger,
  tstInfoDer,
  underPolicy,
  unit,
  withContent,
} from "./cast.ts";

/** True tokens by units that may not make them, or about something else than was asked. */
export const MEANING: readonly Row[] = [
  ["no extended key usage", byUnitWith({ extendedKeyUsage: new Uint8Array() }), "unit-certificate"],
  [
    "an extended key usage that is not critical",
    byUnitWith({ extendedKeyUsage: extendedKeyUsage([OID.timeStamping]) }),
    "unit-certificate",
  ],
  [
    "another purpose beside",
    byUnitWith({ extendedKeyUsage: extendedKeyUsage([OID.timeStamping, OID.codeSigning], true) }),
    "unit-certificate",
  ],
  [
    "an unknown purpose beside",
    byUnitWith({ extendedKeyUsage: extendedKeyUsage([OID.timeStamping, "1.3.6.1.4.1.32473.7"], true) }),
    "unit-certificate",
    "counts the purposes that it knows",
  ],
  ["any purpose", byUnitWith({ extendedKeyUsage: extendedKeyUsage(["2.5.29.37.0"], true) }), "unit-certificate"],
  [
    "the purpose of signing code",
    byUnitWith({ extendedKeyUsage: extendedKeyUsage([OID.codeSigning], true) }),
    "unit-certificate",
  ],
  [
    "a key for encryption as well",
    byUnitWith({ keyUsage: keyUsage(["digitalSignature", "keyEncipherment"]) }),
    "unit-certificate",
  ],
  [
    "a CA's certificate",
    byUnitWith({ basicConstraints: basicConstraints({ ca: true }), keyUsage: keyUsage(["digitalSignature"]) }),
    "unit-certificate",
    "takes a CA for a unit",
  ],
  [
    "a time before the certificate",
    byUnitWith({}, { notBefore: new Date(GEN_TIME.getTime() + 1_000) }),
    "signing-time",
  ],
  ["a time after the certificate", byUnitWith({}, { notAfter: new Date(GEN_TIME.getTime() - 2_000) }), "signing-time"],
  [
    "a time after the key's use",
    byUnitWith({ privateKeyUsagePeriod: privateKeyUsagePeriod({ notAfter: new Date(GEN_TIME.getTime() - 2_000) }) }),
    "signing-time",
    "does not look at privateKeyUsagePeriod",
  ],
  [
    "another digest",
    unit.stamp({ messageImprint: imprintData("sha256", Buffer.from("else")), nonce: NONCE }),
    "message-imprint",
  ],
  [
    "a digest of another hash",
    unit.stamp({ messageImprint: imprintData("sha3-256", DATA), nonce: NONCE }),
    "message-imprint",
  ],
  ["another nonce", unit.stamp({ messageImprint, nonce: Uint8Array.of(5) }), "nonce"],
  ["no nonce", unit.stamp({ messageImprint }), "nonce"],
  ["another policy", underPolicy("1.2.3"), "policy"],
  ["the name of another authority", withContent(withTsa(stranger.ca.certificate.subject.der)), "tsa-name"],
  [
    "a critical extension",
    withContent(withCriticalExtension()),
    "extensions",
    "does not look at extensions of TSTInfo",
  ],
];

/** [0] tsa behind everything else: a directoryName. */
function withTsa(nameDer: Uint8Array): Uint8Array {
  return encode((writer) => {
    writer.raw(nameDer);
    writer.wrap(constructedContext(4), 0);
    writer.wrap(constructedContext(0), 0);
    writer.raw(tstInfoDer.subarray(tstInfoDer[1] === 0x81 ? 3 : 2));
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

/** [1] Extensions behind everything else, one of them critical and not known. */
function withCriticalExtension(): Uint8Array {
  return encode((writer) => {
    writer.raw(buildExtension("1.3.6.1.4.1.32473.8", true, (value) => value.integer(1)));
    writer.wrap(constructedContext(1), 0);
    writer.raw(tstInfoDer.subarray(tstInfoDer[1] === 0x81 ? 3 : 2));
    writer.wrap(TAG.SEQUENCE, 0);
  });
}
