import { PkiError } from "@vcc-pki/errors";
import { malformed } from "../der/malformed.ts";
import type { DerReader } from "../der/reader.ts";
import { decodeIa5 } from "../der/strings.ts";
import { constructedContext, primitiveContext, TAG } from "../der/tags.ts";
import type { DerWriter } from "../der/writer.ts";
import { type Name, readName } from "../name.ts";
import { formatIpAddress, parseIpAddress } from "./ip.ts";

/** The names of a GeneralNames field by their form, each list in the order of the encoding. */
export interface GeneralNames {
  readonly dns: readonly string[];
  /** Text as `formatIpAddress` writes it. */
  readonly ip: readonly string[];
  readonly uri: readonly string[];
  readonly email: readonly string[];
  readonly directory: readonly Name[];
  /** How many names there are of the forms we do not read: otherName, x400Address, ediPartyName, registeredID. */
  readonly otherCount: number;
}

/** Names to encode. */
export type GeneralNamesInput = Partial<Pick<GeneralNames, "dns" | "ip" | "uri" | "email" | "directory">>;

/** Tags of GeneralName (RFC 5280 section 4.2.1.6). directoryName is EXPLICIT because Name is a CHOICE. */
export const GENERAL_NAME = {
  otherName: constructedContext(0),
  email: primitiveContext(1),
  dns: primitiveContext(2),
  x400Address: constructedContext(3),
  directory: constructedContext(4),
  ediPartyName: constructedContext(5),
  uri: primitiveContext(6),
  ip: primitiveContext(7),
  registeredId: primitiveContext(8),
} as const;

/** GeneralNames ::= SEQUENCE SIZE (1..MAX) OF GeneralName, under its own or an IMPLICIT tag. Throws DER_MALFORMED. */
export function readGeneralNames(reader: DerReader, tag: number = TAG.SEQUENCE): GeneralNames {
  const names = { dns: [], ip: [], uri: [], email: [], directory: [], otherCount: 0 };
  reader.listOf(tag, (list) => readGeneralName(list, names));
  return names;
}

/** One GeneralName, as the only one of its list. Throws DER_MALFORMED. */
export function readOneGeneralName(reader: DerReader): GeneralNames {
  const names = { dns: [], ip: [], uri: [], email: [], directory: [], otherCount: 0 };
  readGeneralName(reader, names);
  return names;
}

interface Collected {
  dns: string[];
  ip: string[];
  uri: string[];
  email: string[];
  directory: Name[];
  otherCount: number;
}

function readGeneralName(reader: DerReader, into: Collected): void {
  switch (reader.peekTag()) {
    case GENERAL_NAME.dns:
      into.dns.push(decodeIa5(reader.content(GENERAL_NAME.dns)));
      return;
    case GENERAL_NAME.uri:
      into.uri.push(decodeIa5(reader.content(GENERAL_NAME.uri)));
      return;
    case GENERAL_NAME.email:
      into.email.push(decodeIa5(reader.content(GENERAL_NAME.email)));
      return;
    case GENERAL_NAME.ip: {
      const octets = reader.content(GENERAL_NAME.ip);
      if (octets.length !== 4 && octets.length !== 16) throw malformed("iPAddress is not 4 or 16 octets");
      into.ip.push(formatIpAddress(octets));
      return;
    }
    case GENERAL_NAME.directory:
      into.directory.push(reader.within(GENERAL_NAME.directory, readName));
      return;
    case GENERAL_NAME.registeredId:
      reader.oid(GENERAL_NAME.registeredId);
      into.otherCount++;
      return;
    case GENERAL_NAME.otherName:
    case GENERAL_NAME.x400Address:
    case GENERAL_NAME.ediPartyName:
      reader.skipChecked();
      into.otherCount++;
      return;
    default:
      throw malformed("no such form of GeneralName");
  }
}

/** Writes the names, without the tag around them, in the order dns, ip, uri, email, directory. Throws NAME_MALFORMED for an IP
 *  address that is none or a name that is not printable ASCII; more about syntax is for policy and lints to say. */
export function writeGeneralNames(writer: DerWriter, names: GeneralNamesInput): void {
  for (const name of (names.directory ?? []).toReversed()) writer.primitive(GENERAL_NAME.directory, name.der);
  for (const email of (names.email ?? []).toReversed()) writeIa5(writer, GENERAL_NAME.email, email);
  for (const uri of (names.uri ?? []).toReversed()) writeIa5(writer, GENERAL_NAME.uri, uri);
  for (const ip of (names.ip ?? []).toReversed()) writer.primitive(GENERAL_NAME.ip, parseIpAddress(ip));
  for (const dns of (names.dns ?? []).toReversed()) writeIa5(writer, GENERAL_NAME.dns, dns);
}

export function writeIa5(writer: DerWriter, tag: number, text: string): void {
  if (/[^\x20-\x7e]/.test(text))
    throw new PkiError("NAME_MALFORMED", "name contains something other than printable ASCII");
  writer.utf8(tag, text);
}

/** How many names there are to encode. */
export const countNames = (names: GeneralNamesInput): number =>
  [names.dns, names.ip, names.uri, names.email, names.directory].reduce((sum, list) => sum + (list?.length ?? 0), 0);
