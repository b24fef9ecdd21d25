import { randomBytes } from "node:crypto";
import {
  buildTimeStampReq,
  type HashAlgorithm,
  imprintData,
  parseCertificate,
  parseTimeStampResp,
  parseTimeStampToken,
  TAG,
} from "@vcc-pki/x509";
import type { ForeignAuthority } from "../authorities/authority.ts";
import { CORRUPTIONS } from "../corruption.ts";
import type { SpecimenClass } from "../examine.ts";
import { findOverlooked } from "../overlooked.ts";
import type { TimeStampSpecimen } from "../specimen.ts";
import type { SpecimenFiles } from "../specimen-files.ts";

const HASHES: readonly HashAlgorithm[] = ["sha256", "sha384", "sha512"];

/** Tokens that other people's authorities make now, as they are, and corrupted or held against another question. */
export async function buildForeignTimeStamps(
  authorities: readonly ForeignAuthority[],
  files: SpecimenFiles,
): Promise<readonly SpecimenClass[]> {
  const sound: TimeStampSpecimen[] = [];
  const corrupted: TimeStampSpecimen[] = [];
  for (const authority of authorities) {
    for (const hash of HASHES) {
      for (const certReq of [true, false]) sound.push(await stamp(authority, files, { hash, certReq }));
    }
    const others = authorities.filter((other) => other !== authority);
    corrupted.push(...corrupt(await exchange(authority), authority, others, files));
  }
  return [
    { name: "foreign time stamps", sound: true, specimens: sound },
    {
      ...{ name: "corrupted foreign time stamps", sound: false, specimens: corrupted },
      overlooked: (judge, label) => findOverlooked(judge, label.slice(label.indexOf(", ") + 2)),
    },
  ];
}

interface Exchange {
  readonly data: Uint8Array;
  readonly requestDer: Uint8Array;
  readonly responseDer: Uint8Array;
}

interface Question {
  readonly hash?: HashAlgorithm;
  readonly certReq?: boolean;
}

async function exchange(authority: ForeignAuthority, { hash = "sha256", certReq = true }: Question = {}) {
  const data = randomBytes(40);
  const requestDer = questionAbout(data, { hash, certReq });
  return { data, requestDer, responseDer: await authority.reply(requestDer) };
}

const questionAbout = (data: Uint8Array, { hash = "sha256", certReq = true }: Question = {}): Uint8Array =>
  buildTimeStampReq({
    ...{ messageImprint: imprintData(hash, data), certReq },
    nonce: Uint8Array.of(0x5e, ...randomBytes(7)),
  });

async function stamp(authority: ForeignAuthority, files: SpecimenFiles, question: Question) {
  const { hash, certReq } = question;
  const label = `${authority.name}, ${hash}, ${certReq ? "with certificates" : "without certificates"}`;
  return specimenOf(label, await exchange(authority, question), authority, files);
}

function specimenOf(label: string, made: Exchange, authority: ForeignAuthority, files: SpecimenFiles) {
  const { tokenDer = new Uint8Array() } = parseTimeStampResp(made.responseDer);
  const chain = authority.certificatesDer.map((der) => parseCertificate(der));
  const object = (name: string, der: Uint8Array) => files.object(`${authority.name} ${name}`, "certificate", der);
  return files.timeStamp({
    ...{ label, tokenDer, ...made, root: object("root", authority.rootDer) },
    certificates: chain.map(({ der }, depth) => object(`certificate ${depth}`, der)),
    at: parseTimeStampToken(tokenDer).tstInfo.genTime,
    algorithms: chain.map(({ keyAlgorithm }) => keyAlgorithm),
  });
}

function corrupt(
  made: Exchange,
  authority: ForeignAuthority,
  others: readonly ForeignAuthority[],
  files: SpecimenFiles,
): TimeStampSpecimen[] {
  const sound = specimenOf(`${authority.name}, to be corrupted`, made, authority, files);
  const token = sound.object.der;
  const { data, requestDer } = made;
  const changed = (what: string, tokenDer: Uint8Array, rest: Partial<Exchange> = {}): TimeStampSpecimen =>
    files.timeStamp({
      ...{ label: `${authority.name}, ${what}`, tokenDer, data, requestDer, ...rest },
      ...{ root: sound.root, certificates: sound.certificates, at: sound.at, algorithms: sound.algorithms },
    });
  const otherData = randomBytes(40);
  return [
    ...CORRUPTIONS.map(({ name, corrupt }) => changed(name, corrupt(token))),
    changed("another second", withAnotherSecond(token)),
    changed("another nonce", token, { requestDer: questionAbout(data) }),
    changed("something else", token, { requestDer: questionAbout(otherData), data: otherData }),
    ...others.map((other) => ({
      ...changed(`under the root of ${other.name}`, token),
      root: files.object(`${other.name} root`, "certificate", other.rootDer),
    })),
  ];
}

/** The low bit of the last digit of the seconds of genTime, the only GeneralizedTime in a token's content (RFC 3161 section 2.4.2). */
function withAnotherSecond(token: Uint8Array): Uint8Array {
  const { tstInfoDer } = parseTimeStampToken(token);
  const content = Buffer.from(token).indexOf(tstInfoDer);
  const digits = Buffer.from(tstInfoDer).indexOf(TAG.GENERALIZED_TIME, tstInfoDer.length / 2) + 2;
  const at = content + digits + "20261231235959".length - 1;
  return token.with(at, (token[at] as number) ^ 1);
}
