import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import type * as asn from "@peculiar/asn1-x509";
import fc from "fast-check";
import { formatIpAddress, type Name, parseIpAddress, sha1KeyIdentifier } from "../src/index.ts";
import * as arbitrary from "./arbitraries.ts";
import { makeKey } from "./keys.ts";

/* @peculiar/asn1-* and @peculiar/x509 as second opinion. */

export const { spkiDer } = makeKey();
export const signatureAlgorithm = "ecdsa-p256-sha256";
export const signature = Uint8Array.of(0x30, 6, 2, 1, 1, 2, 1, 1);
export const keyIdentifier = sha1KeyIdentifier(spkiDer);

export const bytes = (buffer: ArrayBuffer | OctetString) =>
  new Uint8Array(buffer instanceof OctetString ? buffer.buffer : buffer);
export const serialized = (value: unknown) => bytes(AsnConvert.serialize(value));
export const attributesOf = (name: asn.Name) =>
  [...name].map((rdn) => [...rdn].map(({ type, value }) => [type, value.toString()]));
export const ownAttributes = (name: Name) => name.rdns.map((rdn) => rdn.map(({ oid, value }) => [oid, value]));

export function theirSans(value: asn.SubjectAlternativeName) {
  const pick = (key: "dNSName" | "iPAddress" | "uniformResourceIdentifier" | "rfc822Name") =>
    [...value].flatMap((name) => name[key] ?? []);
  const ip = pick("iPAddress").map((text) => formatIpAddress(parseIpAddress(text)));
  return { dns: pick("dNSName"), ip, uri: pick("uniformResourceIdentifier"), email: pick("rfc822Name") };
}

/** Everything that varies in the certificates of these tests. */
export const certificateFields = fc.record({
  serial: arbitrary.serial,
  issuer: arbitrary.nameAttributes,
  subject: arbitrary.nameAttributes,
  notBefore: arbitrary.date,
  notAfter: arbitrary.date,
  names: arbitrary.subjectAltNames,
  usages: arbitrary.keyUsages,
  purposes: arbitrary.purposes,
  pathLength: arbitrary.pathLength,
  urls: arbitrary.urls,
  critical: fc.boolean(),
});
