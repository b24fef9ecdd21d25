import { PkiError } from "@vcc-pki/errors";
import { malformed } from "../der/malformed.ts";
import type { DerReader } from "../der/reader.ts";
import { decodeIa5 } from "../der/strings.ts";
import { constructedContext, TAG } from "../der/tags.ts";
import type { DerWriter } from "../der/writer.ts";
import { buildName, type Name, readName } from "../name.ts";
import { GENERAL_NAME, writeIa5 } from "../names/general-names.ts";
import { formatIpAddress, parseIpRange } from "../names/ip.ts";
import { OID } from "../oids.ts";
import { buildExtension, readSequence } from "./extension.ts";

/** Subtrees by name form (RFC 5280 section 4.2.1.10). */
export interface NameSubtrees {
  /** The name and every name below it, without leading dot; "" is every DNS name. */
  readonly dns: readonly string[];
  /** "10.0.0.0/8", "2001:db8::/32". */
  readonly ip: readonly string[];
  /** A host, or ".suffix" for every host below it. */
  readonly uri: readonly string[];
  /** A mailbox, a host, or ".suffix" for every host below it. */
  readonly email: readonly string[];
  /** Names that begin with these RDNs; the empty name is every name. */
  readonly directory: readonly Name[];
  /** Subtrees of name forms we do not read. Only in what was parsed. */
  readonly otherCount: number;
}

export interface NameConstraints {
  readonly permitted: NameSubtrees;
  readonly excluded: NameSubtrees;
}

type SubtreesInput = Partial<Omit<NameSubtrees, "otherCount">>;

export interface NameConstraintsInput {
  readonly permitted?: SubtreesInput;
  readonly excluded?: SubtreesInput;
}

const EVERY_IP = ["0.0.0.0/0", "::/0"];
/** A host that cannot exist (RFC 6761 section 6.4), in the full form that section 4.2.1.10 demands. Permitting it alone shuts a
 *  name form that has no notation for "all". */
const NO_HOST = "nobody.invalid";

/** Constraints under which only the names listed are possible: a form that is not listed at all is shut. DNS, IP and directory
 *  names are shut by excluding all of them, URIs and mailboxes by permitting only a host that cannot exist. */
export function onlyTheseNames({
  dns = [],
  ip = [],
  uri = [],
  email = [],
  directory = [],
}: SubtreesInput): NameConstraintsInput {
  return {
    permitted: {
      dns,
      ip,
      directory,
      uri: uri.length > 0 ? uri : [NO_HOST],
      email: email.length > 0 ? email : [NO_HOST],
    },
    excluded: {
      dns: dns.length > 0 ? [] : [""],
      ip: EVERY_IP.filter((range) => !ip.some((permitted) => permitted.includes(":") === range.includes(":"))),
      directory: directory.length > 0 ? [] : [buildName([])],
    },
  };
}

/** NameConstraints ::= SEQUENCE { permittedSubtrees [0], excludedSubtrees [1], GeneralSubtrees OPTIONAL }. Critical. For CA
 *  certificates only. Throws NAME_MALFORMED. */
export function nameConstraints({ permitted = {}, excluded = {} }: NameConstraintsInput): Uint8Array {
  return buildExtension(OID.nameConstraints, true, (writer) => {
    writeSubtrees(writer, 1, excluded);
    writeSubtrees(writer, 0, permitted);
    if (writer.mark() === 0) throw new RangeError("nameConstraints without a subtree");
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

/** SEQUENCE SIZE (1..MAX) OF GeneralSubtree ::= SEQUENCE { base GeneralName, minimum [0] DEFAULT 0, maximum [1] OPTIONAL } */
function writeSubtrees(writer: DerWriter, number: number, subtrees: SubtreesInput): void {
  const { dns = [], ip = [], uri = [], email = [], directory = [] } = subtrees;
  const bases = [
    ...dns.map((base) => () => writeIa5(writer, GENERAL_NAME.dns, withoutLeadingDot(base))),
    ...ip.map((base) => () => writer.primitive(GENERAL_NAME.ip, parseIpRange(base))),
    ...uri.map((base) => () => writeIa5(writer, GENERAL_NAME.uri, base)),
    ...email.map((base) => () => writeIa5(writer, GENERAL_NAME.email, base)),
    ...directory.map((base) => () => writer.primitive(GENERAL_NAME.directory, base.der)),
  ];
  if (bases.length === 0) return;
  const end = writer.mark();
  for (const writeBase of bases.toReversed()) {
    const subtree = writer.mark();
    writeBase();
    writer.wrap(TAG.SEQUENCE, subtree);
  }
  writer.wrap(constructedContext(number), end);
}

function withoutLeadingDot(base: string): string {
  if (base.startsWith(".")) throw new PkiError("NAME_MALFORMED", "a DNS name constraint has no leading dot");
  return base;
}

export function parseNameConstraints(valueDer: Uint8Array): NameConstraints {
  return readSequence(valueDer, (value) => {
    if (value.atEnd) throw malformed("empty nameConstraints");
    return { permitted: readSubtrees(value, 0), excluded: readSubtrees(value, 1) };
  });
}

interface Collected {
  dns: string[];
  ip: string[];
  uri: string[];
  email: string[];
  directory: Name[];
  otherCount: number;
}

function readSubtrees(reader: DerReader, number: number): NameSubtrees {
  const subtrees: Collected = { dns: [], ip: [], uri: [], email: [], directory: [], otherCount: 0 };
  const tag = constructedContext(number);
  // minimum and maximum are not used in this profile, so a subtree has no second field.
  if (reader.nextIs(tag)) reader.listOf(tag, (list) => list.within(TAG.SEQUENCE, (base) => readBase(base, subtrees)));
  return subtrees;
}

function readBase(base: DerReader, into: Collected): void {
  switch (base.peekTag()) {
    case GENERAL_NAME.dns:
      into.dns.push(decodeIa5(base.content(GENERAL_NAME.dns)));
      return;
    case GENERAL_NAME.ip:
      into.ip.push(formatIpRange(base.content(GENERAL_NAME.ip)));
      return;
    case GENERAL_NAME.uri:
      into.uri.push(decodeIa5(base.content(GENERAL_NAME.uri)));
      return;
    case GENERAL_NAME.email:
      into.email.push(decodeIa5(base.content(GENERAL_NAME.email)));
      return;
    case GENERAL_NAME.directory:
      into.directory.push(base.within(GENERAL_NAME.directory, readName));
      return;
    default:
      base.skipChecked();
      into.otherCount++;
  }
}

function formatIpRange(octets: Uint8Array): string {
  if (octets.length !== 8 && octets.length !== 32) throw malformed("IP constraint is not 8 or 32 octets");
  const half = octets.length / 2;
  const bits = [...octets.subarray(half)].map((octet) => octet.toString(2).padStart(8, "0")).join("");
  if (!/^1*0*$/.test(bits)) throw malformed("IP constraint's mask is not a prefix");
  return `${formatIpAddress(octets.subarray(0, half))}/${bits.lastIndexOf("1") + 1}`;
}
