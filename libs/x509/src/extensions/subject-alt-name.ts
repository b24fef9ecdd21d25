import { DerReader } from "../der/reader.ts";
import { TAG } from "../der/tags.ts";
import {
  countNames,
  type GeneralNames,
  type GeneralNamesInput,
  readGeneralNames,
  writeGeneralNames,
} from "../names/general-names.ts";
import { OID } from "../oids.ts";
import { buildExtension } from "./extension.ts";

/** SubjectAltName ::= GeneralNames (RFC 5280 section 4.2.1.6). Critical exactly if the subject is empty. Throws NAME_MALFORMED. */
export function subjectAltName(names: GeneralNamesInput, critical = false): Uint8Array {
  if (countNames(names) === 0) throw new RangeError("subjectAltName without a name");
  return buildExtension(OID.subjectAltName, critical, (writer) => {
    writeGeneralNames(writer, names);
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

export function parseSubjectAltName(valueDer: Uint8Array): GeneralNames {
  const reader = DerReader.over(valueDer);
  const names = readGeneralNames(reader);
  reader.end();
  return names;
}
