import { parseTimeStampToken } from "@vcc-pki/x509";
import * as crafted from "@vcc-pki/x509/time-stamp-corruptions";
import type { SpecimenClass } from "../examine.ts";
import { findOverlooked } from "../overlooked.ts";
import type { TimeStampSpecimen } from "../specimen.ts";
import type { SpecimenFiles } from "../specimen-files.ts";

/** The crafted tokens of libs/x509's tests: a sound one, without which no refusal would mean anything, and the corrupted ones. */
export function buildCorruptedTimeStamps(
  files: SpecimenFiles,
): readonly [sound: SpecimenClass, corrupted: SpecimenClass] {
  const { DATA: data, requestDer, sound, unit, TIME_STAMP_CORRUPTIONS } = crafted;
  const root = files.object("crafted root", "certificate", unit.ca.certificate.der);
  const { genTime: at } = parseTimeStampToken(sound).tstInfo;
  const specimen = (label: string, tokenDer: Uint8Array): TimeStampSpecimen =>
    files.timeStamp({
      ...{ label, tokenDer, requestDer, data },
      ...{ root, certificates: [], at, algorithms: [unit.certificate.keyAlgorithm] },
    });
  return [
    { name: "crafted time stamps", sound: true, specimens: [specimen("as it should be", sound)] },
    {
      name: "corrupted time stamps",
      sound: false,
      specimens: TIME_STAMP_CORRUPTIONS.map(({ what, token }) => specimen(what, token)),
      overlooked: findOverlooked,
    },
  ];
}
