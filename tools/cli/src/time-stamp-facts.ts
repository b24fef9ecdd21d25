import { type Accuracy, nameToText, type TimeStampVerification, toHex } from "@vcc-pki/x509";

/** The DNS name in certificates of units that are for trying out begins so. */
const TEST_NAME = /^test\.tsa\./;

/** What a time stamp says. */
export interface TimeStampFacts {
  readonly gen_time: string;
  /** How far that may be from UTC; undefined when it does not say. */
  readonly accuracy_ms: number | undefined;
  readonly policy: string;
  readonly serial_number: string;
  readonly hash: string | undefined;
  readonly signed_by: string;
  /** Whether the unit is one for trying out, whose time nobody vouches for. */
  readonly test_unit: boolean;
}

/** Undefined unless every check holds: what is not proven is not told. */
export function factsOf({ ok, tstInfo, signer }: TimeStampVerification): TimeStampFacts | undefined {
  if (!ok || tstInfo === undefined || signer === undefined) return undefined;
  const { dns, uri } = signer.subjectAltNames;
  return {
    gen_time: tstInfo.genTime.toISOString(),
    accuracy_ms: tstInfo.accuracy && inMs(tstInfo.accuracy),
    policy: tstInfo.policy,
    serial_number: toHex(tstInfo.serial),
    hash: tstInfo.messageImprint.hash,
    signed_by: nameToText(signer.subject) || uri.join(" "),
    test_unit: dns.some((name) => TEST_NAME.test(name)),
  };
}

const inMs = ({ seconds = 0, millis = 0, micros = 0 }: Accuracy): number => seconds * 1000 + millis + micros / 1000;

/** Names and values, for people. */
export const factFields = (facts: TimeStampFacts): [string, string | undefined][] => [
  ["time", facts.accuracy_ms === undefined ? facts.gen_time : `${facts.gen_time} (within ${facts.accuracy_ms} ms)`],
  ["policy", facts.policy],
  ["serial", facts.serial_number],
  ["hash", facts.hash],
  ["signed by", facts.signed_by],
];
