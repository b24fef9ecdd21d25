import { DerReader } from "../der/reader.ts";
import { decodeIa5 } from "../der/strings.ts";
import { TAG } from "../der/tags.ts";
import { GENERAL_NAME, writeIa5 } from "../names/general-names.ts";
import { OID } from "../oids.ts";
import { buildExtension } from "./extension.ts";

/** URLs by access method. */
export interface AuthorityInfoAccess {
  readonly ocsp: readonly string[];
  readonly caIssuers: readonly string[];
}

/** AuthorityInfoAccessSyntax ::= SEQUENCE SIZE (1..MAX) OF { accessMethod, accessLocation GeneralName } (RFC 5280 section 4.2.2.1).
 *  Not critical. */
export function authorityInfoAccess({ ocsp = [], caIssuers = [] }: Partial<AuthorityInfoAccess>): Uint8Array {
  const locations = [
    ...ocsp.map((url) => [OID.ocsp, url] as const),
    ...caIssuers.map((url) => [OID.caIssuers, url] as const),
  ];
  if (locations.length === 0) throw new RangeError("authorityInfoAccess without a location");
  return buildExtension(OID.authorityInfoAccess, false, (writer) => {
    for (const [method, url] of locations.toReversed()) {
      const end = writer.mark();
      writeIa5(writer, GENERAL_NAME.uri, url);
      writer.oid(method);
      writer.wrap(TAG.SEQUENCE, end);
    }
    writer.wrap(TAG.SEQUENCE, 0);
  });
}

/** Access methods and name forms other than URLs of these two are passed over. */
export function parseAuthorityInfoAccess(valueDer: Uint8Array): AuthorityInfoAccess {
  const urls: Record<string, string[]> = { [OID.ocsp]: [], [OID.caIssuers]: [] };
  const reader = DerReader.over(valueDer);
  reader.listOf(TAG.SEQUENCE, (list) =>
    list.within(TAG.SEQUENCE, (description) => {
      const method = description.oid();
      if (description.nextIs(GENERAL_NAME.uri)) urls[method]?.push(decodeIa5(description.content(GENERAL_NAME.uri)));
      else description.skipChecked();
    }),
  );
  reader.end();
  return { ocsp: urls[OID.ocsp] ?? [], caIssuers: urls[OID.caIssuers] ?? [] };
}
