import { CORRUPTIONS } from "../corruption.ts";
import type { OcspSpecimen } from "../specimen.ts";
import type { IssuedCertificate } from "./issue.ts";
import { type Answer, about, GOOD, respondersAmong, serial, specimenOf, trustIn, UNKNOWN } from "./ocsp.ts";
import type { Paths } from "./paths.ts";

const DAY_MS = 86_400_000;

/** Answers that nobody should believe. */
export function buildCorruptedOcspResponses(
  paths: Paths,
  leaves: readonly IssuedCertificate[],
  at: Date,
): OcspSpecimen[] {
  const [responder] = respondersAmong(leaves);
  const layman = leaves.find(({ label }) => label === "mtls_service ec-p256");
  if (responder === undefined || layman === undefined) throw new Error("the certificates to answer with are gone");
  const answerBy = (by: IssuedCertificate, label: string, more: Partial<Answer> = {}) =>
    specimenOf(paths, by, { label, hash: "sha256", statements: [about(GOOD)], ...more }, at);
  const day = (number: number) => new Date(at.getTime() + number * DAY_MS);

  const sound = answerBy(responder, "answer to be corrupted");
  const unknown = answerBy(responder, "unknown to be made good", { statements: [about(UNKNOWN)] });
  const changed = (label: string, der: Uint8Array): OcspSpecimen => ({
    ...sound,
    ...{ label, object: paths.files.object(label, "ocsp", der) },
  });
  return [
    ...CORRUPTIONS.map(({ name, corrupt }) => changed(`answer, ${name}`, corrupt(sound.object.der))),
    changed("answer, unknown made good", withStatusGood(unknown.object.der)),
    changed("answer, valid for longer", withLaterNextUpdate(sound.object.der)),
    answerBy(layman, "answer by an end entity"),
    answerBy(responder, "answer out of date", { thisUpdate: day(-9), nextUpdate: day(-2) }),
    answerBy(responder, "answer from the future", { thisUpdate: day(2), nextUpdate: day(9) }),
    { ...sound, label: "answer about another certificate", asked: [{ serial: serial(7), status: "good" }] },
    { ...sound, label: "answer shown under another issuer", ...trustIn(paths, "vcc-code-signing-ca") },
  ];
}

/** certStatus unknown [2] before thisUpdate becomes good [0] (RFC 6960 section 4.2.1). */
const withStatusGood = (der: Uint8Array) => patched(der, Uint8Array.of(0x82, 0, 0x18, 15), 0, 0x80);

/** The decade of nextUpdate [0] becomes the nineties. */
const withLaterNextUpdate = (der: Uint8Array) =>
  patched(der, Uint8Array.of(0xa0, 17, 0x18, 15), "....20".length, "9".charCodeAt(0));

/** The octet that comes `offset` octets after the beginning of `mark` becomes `octet`. */
function patched(der: Uint8Array, mark: Uint8Array, offset: number, octet: number): Uint8Array {
  const index = Buffer.from(der).indexOf(mark);
  if (index === -1) throw new Error("this answer has nothing to change");
  return der.with(index + offset, octet);
}
