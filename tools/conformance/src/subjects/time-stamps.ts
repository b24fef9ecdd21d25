import { randomBytes, randomUUID } from "node:crypto";
import { newTsa, POLICY, type TsaHarness } from "@vcc-pki/tsa/harness";
import {
  buildTimeStampReq,
  equalBytes,
  HASH_ALGORITHMS,
  type HashAlgorithm,
  imprintData,
  parseCertificate,
  parseTimeStampResp,
  parseTimeStampToken,
} from "@vcc-pki/x509";
import type { SpecimenClass } from "../examine.ts";
import type { TimeStampSpecimen } from "../specimen.ts";
import type { SpecimenFiles } from "../specimen-files.ts";
import { ShiftedClock } from "./shifted-clock.ts";

/** One of each kind of key and of each thing that a unit's configuration changes in a token. */
const UNITS = [
  { name: "p256", policies: [POLICY.main] },
  { name: "p384", policies: [POLICY.main], keyAlgorithm: "ec-p384", tsaName: true, accuracy: "100ms" },
  { name: "rsa-pss", policies: [POLICY.main], keyAlgorithm: "rsa-3072" },
  { name: "rsa-pkcs1", policies: [POLICY.main], keyAlgorithm: "rsa-3072", rsaPadding: "pkcs1", certificates: "unit" },
  { name: "ordered", policies: [POLICY.other], ordering: true, etsi: false, accuracy: "4s500ms" },
];
/** RFC 3161 knows no bound. */
const NONCES = [1, 20, 64];

/** What is asked of the tsa. */
interface Question {
  readonly unit: string;
  readonly hash?: HashAlgorithm;
  readonly certReq?: boolean;
  readonly nonceOctets?: number;
  readonly policy?: string;
}

/** Tokens of every unit of the real tsa, over HTTP: with certificates and without, nonces, policies and hashes of every kind. The ca and
 *  the hsm-gateway behind it are real, and the keys lie in a SoftHSM token. */
export async function buildTimeStamps(files: SpecimenFiles): Promise<SpecimenClass> {
  const tsa = await newTsa({ clock: new ShiftedClock(), config: { units: UNITS } });
  try {
    const specimens: TimeStampSpecimen[] = [];
    for (const question of questions()) specimens.push(await stamp(tsa, files, question));
    return { name: "time stamps", sound: true, specimens };
  } finally {
    await tsa.close();
  }
}

function questions(): Question[] {
  const hashes = Object.keys(HASH_ALGORITHMS) as HashAlgorithm[];
  return [
    ...UNITS.flatMap(({ name: unit }) =>
      [true, false].flatMap((certReq) => [
        { unit, certReq },
        { unit, certReq, nonceOctets: 8 },
      ]),
    ),
    ...UNITS.flatMap(({ name: unit, policies: [policy] }) => ({ unit, policy: policy as string })),
    ...hashes
      .filter((hash) => hash !== "sha256")
      .flatMap((hash) => ["p256", "rsa-pss"].map((unit) => ({ unit, hash }))),
    ...NONCES.map((nonceOctets) => ({ unit: "p384", nonceOctets })),
  ];
}

async function stamp(tsa: TsaHarness, files: SpecimenFiles, question: Question): Promise<TimeStampSpecimen> {
  const { unit, hash = "sha256", certReq = true, nonceOctets, policy: reqPolicy } = question;
  const label = [
    `time stamp by ${unit}, ${hash}`,
    certReq ? "with certificates" : "without certificates",
    nonceOctets && `nonce of ${nonceOctets}`,
    reqPolicy && "under a policy",
  ];
  const data = Buffer.from(randomUUID());
  const nonce = nonceOctets ? Uint8Array.of(0x5e, ...randomBytes(nonceOctets - 1)) : undefined;
  const requestDer = buildTimeStampReq({ messageImprint: imprintData(hash, data), certReq, nonce, reqPolicy });

  const headers = { "content-type": "application/timestamp-query" };
  const body = Buffer.from(requestDer);
  const response = await fetch(`${tsa.url}/tsa/${unit}`, { method: "POST", headers, body });
  const responseDer = new Uint8Array(await response.arrayBuffer());
  const { tokenDer } = parseTimeStampResp(responseDer);
  if (tokenDer === undefined) throw new Error(`${unit} made no token`);

  const root = await tsa.root();
  const { certificates: issued } = await tsa.as("gateway").getCertificate({ unit });
  const chain = issued.flatMap(({ chainDer }) => chainDer).filter((der) => !equalBytes(der, root.der));
  const certificates = chain.map((der) => parseCertificate(der));
  const object = (name: string, der: Uint8Array) => files.object(`${unit} ${name}`, "certificate", der);
  return files.timeStamp({
    ...{ label: label.filter(Boolean).join(", "), tokenDer, responseDer, requestDer, data },
    root: object("root", root.der),
    certificates: certificates.map(({ der }, depth) => object(`certificate ${depth}`, der)),
    at: parseTimeStampToken(tokenDer).tstInfo.genTime,
    algorithms: [...certificates.map(({ keyAlgorithm }) => keyAlgorithm), ...(unit === "rsa-pss" ? ["rsa-pss"] : [])],
  });
}
