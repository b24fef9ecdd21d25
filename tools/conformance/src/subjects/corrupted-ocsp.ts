import { parseCertificate } from "@vcc-pki/x509";
import { CORRUPTIONS } from "../corruption.ts";
import type { OcspSpecimen } from "../specimen.ts";
import { type Answer, type Cast, specimenOf, trustIn } from "./ocsp.ts";

const DAY_MS = 86_400_000;

/** Answers that nobody should believe. */
export function buildCorruptedOcspResponses(cast: Cast): OcspSpecimen[] {
  const { paths, responder: by, other, at } = cast;
  const answer = (label: string, rest: Partial<Answer> = {}) =>
    specimenOf(cast, { ...{ label, by, hash: "sha1", status: { status: "good" } }, ...rest });
  const day = (number: number) => new Date(at.getTime() + number * DAY_MS);

  const sound = answer("answer to be corrupted");
  const unknown = answer("unknown to be made good", { status: { status: "unknown" } });
  const changed = (label: string, der: Uint8Array): OcspSpecimen => ({
    ...sound,
    ...{ label, object: paths.files.object(label, "ocsp", der) },
  });
  const otherwise: OcspSpecimen = {
    ...sound,
    label: "answer about another certificate",
    subject: paths.files.object("another certificate", "certificate", other.certificateDer),
    asked: [{ serial: parseCertificate(other.certificateDer).serial, status: "good" }],
  };
  return [
    ...CORRUPTIONS.map(({ name, corrupt }) => changed(`answer, ${name}`, corrupt(sound.object.der))),
    changed("answer, unknown made good", withStatusGood(unknown.object.der)),
    changed("answer, valid for longer", withLaterNextUpdate(sound.object.der)),
    answer("answer by an end entity", { by: other }),
    answer("answer out of date", { thisUpdate: day(-9), nextUpdate: day(-2) }),
    answer("answer from the future", { thisUpdate: day(2), nextUpdate: day(9) }),
    otherwise,
    { ...sound, label: "answer shown under another issuer", ...trustIn(paths, "vcc-code-signing-ca") },
  ];
}

/** certStatus unknown [2] before thisUpdate becomes good [0] (RFC 6960 section 4.2.1). */
const withStatusGood = (der: Uint8Array) => patched(der, Uint8Array.of(0x82, 0, 0x18, 15), 0, 0x80);

/** The decade of nextUpdate [0] becomes the nineties. */
const withLaterNextUpdate = (der: Uint8Array) =>
  patched(der, Uint8Array.of(0xa0, 17, 0x18, 15), 4 + "20".length, "9".charCodeAt(0));

/** The octet `offset` octets into the first `mark` becomes `octet`. */
function patched(der: Uint8Array, mark: Uint8Array, offset: number, octet: number): Uint8Array {
  const index = Buffer.from(der).indexOf(mark);
  if (index === -1) throw new Error("this answer has nothing to change");
  return der.with(index + offset, octet);
}
