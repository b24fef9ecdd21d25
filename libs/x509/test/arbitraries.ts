import fc from "fast-check";
import { type AttributeTypeName, KEY_USAGES, OID } from "../src/index.ts";

/** Values of names and extensions as they may stand in certificates, for property tests. */

const printable = fc.stringMatching(/^[A-Za-z0-9 '()+,./:=?-]{1,30}$/);
const ascii = fc.stringMatching(/^[!-~]{1,30}$/);
const text = fc
  .string({ unit: "binary", minLength: 1, maxLength: 30 })
  .map((value) => value.replace(/\p{C}/gu, "·"))
  .filter((value) => value.isWellFormed() && value.length > 0);

const attribute = fc.oneof(
  fc.tuple(fc.constantFrom<AttributeTypeName>("CN", "O", "OU", "L", "ST", "STREET", "title", "UID"), text),
  fc.tuple(fc.constant<AttributeTypeName>("serialNumber"), printable),
  fc.tuple(fc.constantFrom<AttributeTypeName>("DC", "emailAddress"), ascii),
  fc.constant<[AttributeTypeName, string]>(["C", "DE"]),
);

export const nameAttributes = fc.array(attribute, { maxLength: 5 });

/** Whole seconds from 1950 to 9999. */
export const date = fc
  .integer({ min: Date.UTC(1950, 0) / 1000, max: Date.UTC(9999, 11, 31) / 1000 })
  .map((seconds) => new Date(seconds * 1000));

/** Content octets of a positive INTEGER. */
export const serial = fc
  .tuple(fc.integer({ min: 1, max: 127 }), fc.uint8Array({ maxLength: 19 }))
  .map(([first, rest]) => Uint8Array.of(first, ...rest));

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const dnsName = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
const ip = fc.oneof(fc.ipV4(), fc.constantFrom("2001:db8::1", "::", "::1", "fe80::1:0:0:2"));
const url = dnsName.map((host) => `http://${host}/x`);

export const subjectAltNames = fc
  .record({
    dns: fc.array(dnsName, { maxLength: 4 }),
    ip: fc.array(ip, { maxLength: 3 }),
    uri: fc.array(url, { maxLength: 3 }),
    email: fc.array(
      dnsName.map((host) => `a@${host}`),
      { maxLength: 2 },
    ),
  })
  .filter((names) => Object.values(names).some((list) => list.length > 0));

export const urls = fc.array(url, { minLength: 1, maxLength: 3 });
export const keyUsages = fc.uniqueArray(fc.constantFrom(...KEY_USAGES), { minLength: 1 });
export const purposes = fc.uniqueArray(
  fc.constantFrom(OID.serverAuth, OID.clientAuth, OID.codeSigning, "1.3.6.1.4.1.99999.7"),
  {
    minLength: 1,
  },
);
export const pathLength = fc.option(fc.nat(300), { nil: undefined });
export const octets = fc.uint8Array({ minLength: 1, maxLength: 40 });
