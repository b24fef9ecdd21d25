import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { newTsa, POLICY, type TsaHarness } from "@vcc-pki/tsa/harness";
import { parseTimeStampToken, pemDecode } from "@vcc-pki/x509";
import { type ProgramStamp, readProgramStamp } from "../authenticode.ts";
import { command } from "../command.ts";
import type { SpecimenClass } from "../examine.ts";
import { buildWindowsProgram } from "../install.ts";
import { requireOsslsigncode } from "../judges/osslsigncode.ts";
import type { ProgramSpecimen } from "../specimen.ts";
import type { SpecimenFiles } from "../specimen-files.ts";
import { signRootLists } from "./root-lists.ts";
import { ShiftedClock } from "./shifted-clock.ts";

const policies = [POLICY.main];
const UNITS = [
  { name: "p256", policies, keyAlgorithm: "ec-p256" },
  { name: "p384", policies, keyAlgorithm: "ec-p384" },
  { name: "rsa-pss", policies, keyAlgorithm: "rsa-3072" },
];
/** Its tokens are as long as each other, but for zeros that genTime leaves off: one can stand in another's place. */
const EVEN_UNIT = { name: "rsa-pkcs1", policies, keyAlgorithm: "rsa-3072", rsaPadding: "pkcs1" };
const TRIES = 20;
const AUTHORITIES = ["vcc-root-ca", "vcc-tsa-ca"];

/** Programs for Windows that osslsigncode signs, and has the real tsa stamp over HTTP; and the same with the stamp corrupted. */
export const stampedPrograms = {
  name: "stamped programs",
  /** Rejects with the reason when this cannot be done here. */
  async install(cacheDirectory: string): Promise<BuildPrograms> {
    await requireOsslsigncode();
    const program = await buildWindowsProgram(cacheDirectory);
    return (directory, files) => build(program, join(directory, "programs"), files);
  },
};

type BuildPrograms = (directory: string, files: SpecimenFiles) => Promise<readonly SpecimenClass[]>;

async function build(program: string, directory: string, files: SpecimenFiles): Promise<readonly SpecimenClass[]> {
  const tsa = await newTsa({ clock: new ShiftedClock(), config: { units: [...UNITS, EVEN_UNIT] } });
  try {
    const workshop = await openWorkshop(directory, program, tsa, files);
    const sound = await Promise.all(
      [...UNITS, EVEN_UNIT].map((unit) => workshop.stamp(`program stamped by ${unit.name}`, unit)),
    );
    return [
      { name: "stamped programs", sound: true, specimens: sound },
      { name: "corrupted program stamps", sound: false, specimens: await corrupted(workshop) },
    ];
  } finally {
    await tsa.close();
  }
}

type Unit = Pick<typeof EVEN_UNIT, "name" | "keyAlgorithm">;

interface Workshop {
  /** Signs the program, and has this unit stamp the signature. */
  stamp(label: string, unit: Unit): Promise<ProgramSpecimen>;
  /** The same specimen with other octets in the file. */
  changed(label: string, sound: ProgramSpecimen, program: Uint8Array): ProgramSpecimen;
}

async function openWorkshop(
  directory: string,
  program: string,
  tsa: TsaHarness,
  files: SpecimenFiles,
): Promise<Workshop> {
  await mkdir(directory, { recursive: true });
  const { certificateFile, keyFile } = await makePublisher(directory);
  const [publisherDer = new Uint8Array()] = pemDecode(readFileSync(certificateFile, "utf8"), "CERTIFICATE");
  const publisher = files.object("publisher of programs", "certificate", publisherDer);
  const root = files.object("root of program stamps", "certificate", (await tsa.root()).der);
  await signRootLists(tsa.ca, 0);
  const { crls } = tsa.ca.as();
  await crls.publish({ requestId: randomUUID(), organisation: "vcc", authorityId: "vcc-tsa-ca", ahead: 0 });
  const lists = await Promise.all(
    AUTHORITIES.map(async (authorityId) => {
      const { crlDer } = await crls.get({ authorityId, shard: 0, delta: false });
      return files.object(`list of ${authorityId} for program stamps`, "crl", crlDer);
    }),
  );
  const common = { root, crls: lists, publisher };
  return {
    async stamp(label, unit) {
      const file = join(directory, `${randomUUID()}.exe`);
      const by = ["-certs", certificateFile, "-key", keyFile, "-h", "sha256"];
      const words = ["sign", ...by, "-ts", `${tsa.url}/tsa/${unit.name}`, "-in", program, "-out", file];
      const { ok, said } = await command("osslsigncode", words);
      if (!ok) throw new Error(`osslsigncode sign: ${said}`);
      return files.program({ ...common, label, program: readFileSync(file), algorithms: [unit.keyAlgorithm] });
    },
    changed: (label, { algorithms }, octets) => files.program({ ...common, label, program: octets, algorithms }),
  };
}

interface Publisher {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** Whoever signs the programs is not what is judged: a certificate of OpenSSL's that stands for itself. */
async function makePublisher(directory: string): Promise<Publisher> {
  const publisher = { certificateFile: join(directory, "publisher.pem"), keyFile: join(directory, "publisher.key") };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", publisher.keyFile];
  const purpose = ["-addext", "keyUsage=critical,digitalSignature", "-addext", "extendedKeyUsage=codeSigning"];
  const subject = ["-subj", "/CN=Publisher", "-days", "30", "-out", publisher.certificateFile];
  const { ok, said } = await command("openssl", ["req", "-x509", ...key, ...subject, ...purpose]);
  if (!ok) throw new Error(`openssl req: ${said}`);
  return publisher;
}

async function corrupted({ stamp, changed }: Workshop): Promise<ProgramSpecimen[]> {
  const sound = await stamp("program to be corrupted", EVEN_UNIT);
  const program = sound.object.der;
  const { tokenDer, tokenOffset } = readProgramStamp(program);
  const { signedData, tstInfoDer } = parseTimeStampToken(tokenDer);
  const flipped = (part: Uint8Array | undefined, at: number) => {
    const start = Buffer.from(program).indexOf(part ?? tokenDer, tokenOffset);
    return program.with(start + at, (program[start + at] as number) ^ 1);
  };
  const serialOfUnit = signedData.certificates[0]?.serial;
  return [
    changed("program, flipped signature of the stamp", sound, flipped(signedData.signerInfos[0]?.signature, 100)),
    changed("program, changed content of the stamp", sound, flipped(tstInfoDer, tstInfoDer.length - 1)),
    changed("program, changed certificate of the stamp", sound, flipped(serialOfUnit, 5)),
    changed(
      "program, stamp of another signature",
      sound,
      withToken(program, await anotherStamp(stamp, tokenDer.length)),
    ),
    { ...sound, label: "program, stamp under another root", root: sound.publisher },
  ];
}

async function anotherStamp(stamp: Workshop["stamp"], length: number): Promise<ProgramStamp> {
  for (let tries = 0; tries < TRIES; tries++) {
    const other = readProgramStamp((await stamp("program with another signature", EVEN_UNIT)).object.der);
    if (other.tokenDer.length === length) return other;
  }
  throw new Error("no two tokens are of one length");
}

function withToken(program: Uint8Array, { tokenDer }: ProgramStamp): Uint8Array {
  const changed = Uint8Array.from(program);
  changed.set(tokenDer, readProgramStamp(program).tokenOffset);
  return changed;
}
