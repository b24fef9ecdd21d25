import { pemDecode, pemEncode } from "@vcc-pki/x509";
import type { z } from "zod";
import type { Brought } from "../api/brought.ts";

/** An empty string of proto is an absent field of JSON. */
export const present = (text: string): string | undefined => (text === "" ? undefined : text);

export const timestamp = (date: Date | undefined): string | undefined => date?.toISOString();

/** For fields that the service always sets. A missing one is a defect of ours, not of the caller. */
export function requiredTimestamp(date: Date | undefined, field: string): string {
  if (date === undefined) throw new Error(`the answer has no ${field}`);
  return date.toISOString();
}

export const certificatePem = (der: Uint8Array): string | undefined =>
  der.length === 0 ? undefined : pemEncode("CERTIFICATE", der);

/** Several certificates in one PEM text, in the given order. */
export const chainPem = (chain: readonly Uint8Array[]): string =>
  chain.map((der) => pemEncode("CERTIFICATE", der)).join("");

/** The text of an enum that was received from another service; a value of a newer proto is a defect of the deployment. */
export function known<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw new Error(`the answer has an unknown ${field}`);
  return value;
}

/** Content octets of the INTEGER (X.690 section 8.3.2): a zero octet before a high bit, none more than that. */
export function integerOctets(unsignedHex: string): Uint8Array {
  const octets = Buffer.from(unsignedHex.replace(/^(00)+(?=..)/, ""), "hex");
  return ((octets[0] ?? 0) & 0x80) === 0 ? octets : Buffer.concat([Buffer.of(0), octets]);
}

export const octets = (base64: string): Buffer => Buffer.from(base64, "base64");

/** What a question brings along. Each text may hold several. Throws REQUEST_MALFORMED for what is no PEM. */
export const broughtToProto = ({ anchors, certificates, crls, ocsp_responses = [] }: BroughtAlong) => ({
  anchorsDer: fromPem("CERTIFICATE", anchors),
  certificatesDer: fromPem("CERTIFICATE", certificates),
  crlsDer: fromPem("X509 CRL", crls),
  ocspResponsesDer: ocsp_responses.map(octets),
});

type BroughtAlong = { readonly [K in keyof typeof Brought]?: z.output<(typeof Brought)[K]> };

const fromPem = (label: string, texts: readonly string[] = []): Uint8Array[] =>
  texts.flatMap((text) => pemDecode(text, label));
