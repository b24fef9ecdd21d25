import { hash } from "node:crypto";
import {
  buildTimeStampReq,
  constructedContext,
  DerReader,
  encode,
  encodeOid,
  imprintData,
  PKI_FAILURE_INFO,
  TAG,
} from "@vcc-pki/x509";

export const DATA = Buffer.from("what is stamped");

/** A request that is in order, for `DATA`. */
export const request = (fields: Partial<Parameters<typeof buildTimeStampReq>[0]> = {}): Uint8Array =>
  buildTimeStampReq({ messageImprint: imprintData("sha256", DATA), certReq: true, ...fields });

export interface Crafted {
  readonly version?: number;
  readonly hashOid?: string;
  readonly digest?: Uint8Array;
  /** DER in place of the policy. */
  readonly policyDer?: Uint8Array;
  readonly nonce?: Uint8Array;
  /** Dotted, with whether it is critical. */
  readonly extension?: readonly [string, boolean];
}

/** A TimeStampReq of which any part may be wrong. */
export function craft(parts: Crafted): Uint8Array {
  const { version = 1, hashOid = "2.16.840.1.101.3.4.2.1", digest = hash("sha256", DATA, "buffer") } = parts;
  return encode((writer) => {
    if (parts.extension !== undefined) {
      const [oid, critical] = parts.extension;
      writer.octetString(Uint8Array.of(5, 0));
      if (critical) writer.boolean(true);
      writer.oid(oid);
      writer.wrap(TAG.SEQUENCE, 0);
      writer.wrap(constructedContext(0), 0);
    }
    if (parts.nonce !== undefined) writer.primitive(TAG.INTEGER, parts.nonce);
    if (parts.policyDer !== undefined) writer.raw(parts.policyDer);
    const imprint = writer.mark();
    writer.octetString(digest);
    const algorithm = writer.mark();
    writer.oid(hashOid);
    writer.wrap(TAG.SEQUENCE, algorithm);
    writer.wrap(TAG.SEQUENCE, imprint);
    writer.integer(version);
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

/** An object identifier of so many arcs, none of which is small. */
export function absurdOid(arcs: number): Uint8Array {
  const content = Buffer.concat([encodeOid("1.3.6"), ...Array.from({ length: arcs }, () => Buffer.of(0xff, 0x7f))]);
  return encode((writer) => writer.primitive(TAG.OID, content));
}

/** One whose last arc has so many octets. */
export const longArc = (octets: number): Uint8Array =>
  encode((writer) => {
    writer.primitive(TAG.OID, Buffer.concat([Buffer.of(0x2b), Buffer.alloc(octets, 0xff), Buffer.of(0x7f)]));
  });

export interface Status {
  readonly status: number;
  readonly failInfo: string | undefined;
  readonly text: string;
  readonly hasToken: boolean;
}

/** PKIStatusInfo of a TimeStampResp (RFC 3161 section 2.4.2), read by hand. */
export function readStatus(responseDer: Uint8Array): Status {
  return DerReader.whole(responseDer, TAG.SEQUENCE, (response) => {
    const info = response.enter(TAG.SEQUENCE);
    const [status = -1] = info.integer();
    const text =
      info.optional(TAG.SEQUENCE, (strings) => Buffer.from(strings.content(TAG.UTF8_STRING)).toString()) ?? "";
    const bits = info.atEnd ? [] : info.namedBits();
    info.end();
    const hasToken = !response.atEnd;
    if (hasToken) response.element(TAG.SEQUENCE);
    const name = (bit: number) => Object.entries(PKI_FAILURE_INFO).find(([, number]) => number === bit)?.[0];
    return { status, failInfo: bits.map(name).join("+") || undefined, text, hasToken };
  });
}
