import { OID } from "../../src/index.ts";
import { patched } from "../crafted.ts";
import { craftSignerInfo, craftToken, sorted } from "../crafted-token.ts";
import { type Row, sound, stranger, tstInfoDer, unit, withContent } from "./cast.ts";

const hex = (text: string) => Buffer.from(text).toString("hex");

/** What is wrong with the octets, with SignedData, or with the TSTInfo under a true signature. */
export const CONTENT: readonly Row[] = [
  ["nothing at all", new Uint8Array(), "well-formed"],
  ["cut short", sound.subarray(0, -1), "well-formed"],
  ["cut in half", sound.subarray(0, sound.length / 2), "well-formed"],
  ["an octet behind it", Uint8Array.from([...sound, 0]), "well-formed", "reads the first value and nothing behind it"],
  [
    "a length of more octets than needed",
    Uint8Array.from([0x30, 0x83, 0, ...sound.subarray(2)]),
    "well-formed",
    "reads BER",
  ],
  ["another content in ContentInfo", craftToken(unit, tstInfoDer, { contentInfoOid: OID.data }), "well-formed"],
  ["no content", craftToken(unit, tstInfoDer, { content: undefined }), "well-formed"],
  ["content of type data", craftToken(unit, tstInfoDer, { contentType: OID.data }), "well-formed"],
  ["content that is no TSTInfo", withContent(Buffer.from("not a TSTInfo")), "well-formed"],
  ["TSTInfo of version 2", withContent(patched(tstInfoDer, "020101", "020102")), "well-formed"],
  [
    "genTime in local time",
    withContent(patched(tstInfoDer, hex(".789Z"), hex(".789A"))),
    "well-formed",
    "does not read genTime",
  ],
  [
    "genTime of a 13th month",
    withContent(patched(tstInfoDer, hex("20261101"), hex("20261301"))),
    "well-formed",
    "does not read genTime",
  ],
  [
    "a fraction with a zero at its end",
    withContent(patched(tstInfoDer, hex(".789Z"), hex(".780Z"))),
    "well-formed",
    "does not read genTime",
  ],
  ["no signer", craftToken(unit, tstInfoDer, { signerInfos: [] }), "one-signer"],
  [
    "its signer twice",
    craftToken(unit, tstInfoDer, {
      signerInfos: [craftSignerInfo(unit, tstInfoDer), craftSignerInfo(unit, tstInfoDer)],
    }),
    "one-signer",
  ],
  [
    "another signer beside",
    craftToken(unit, tstInfoDer, {
      certificates: sorted([unit.certificate.der, stranger.certificate.der]),
      signerInfos: [craftSignerInfo(unit, tstInfoDer), craftSignerInfo(stranger, tstInfoDer)],
    }),
    "one-signer",
  ],
];
