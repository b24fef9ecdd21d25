import { malformed } from "../der/malformed.ts";
import { TAG } from "../der/tags.ts";
import { OID } from "../oids.ts";
import { buildExtension, readSequence } from "./extension.ts";

export interface BasicConstraints {
  readonly ca: boolean;
  /** How many CA certificates may follow below this one; undefined: any number. */
  readonly pathLength?: number;
}

/** BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL } (RFC 5280 section 4.2.1.9).
 *  Critical. */
export function basicConstraints({ ca, pathLength }: BasicConstraints): Uint8Array {
  return buildExtension(OID.basicConstraints, true, (writer) => {
    if (pathLength !== undefined) writer.integer(pathLength);
    if (ca) writer.boolean(true);
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

export function parseBasicConstraints(valueDer: Uint8Array): BasicConstraints {
  return readSequence(valueDer, (value) => {
    const ca = value.booleanDefaultFalse();
    const pathLength = value.nextIs(TAG.INTEGER) ? value.smallInteger() : undefined;
    if (pathLength !== undefined && !ca) throw malformed("pathLenConstraint without cA");
    return { ca, pathLength };
  });
}
