import type { Check } from "@vcc-pki/x509";

/** Why something is refused: stable, for programs. */
interface VerdictRow {
  readonly code: string;
  readonly en: string;
  readonly de: string;
}

/** Everything that is looked at in a signed artefact, in this order, and what is said when it does not hold. The names are those of the checks of
 *  libs/x509 where there are any; a format has those that make sense for it. */
export const VERDICTS = {
  // What was signed, and by which key.
  "well-formed": row("SIGNATURE_MALFORMED", "The signature cannot be read.", "Die Signatur ist nicht lesbar."),
  "one-signer": row(
    "NOT_ONE_SIGNATURE",
    "There has to be exactly one signature.",
    "Es muss genau eine Signatur vorhanden sein.",
  ),
  "signer-certificate": row(
    "SIGNER_CERTIFICATE_MISSING",
    "The signer's certificate is missing or ambiguous.",
    "Das Zertifikat des Signierenden fehlt oder ist nicht eindeutig.",
  ),
  versions: row(
    "SIGNATURE_VERSION_WRONG",
    "The signature has a wrong version number.",
    "Die Signatur hat eine falsche Versionsnummer.",
  ),
  "signed-attributes": row(
    "SIGNED_ATTRIBUTES_MALFORMED",
    "The attributes under the signature are missing or malformed.",
    "Die signierten Attribute fehlen oder sind fehlerhaft.",
  ),
  "content-type": row(
    "CONTENT_TYPE_OTHER",
    "Another type of content was signed.",
    "Signiert wurde ein Inhalt anderer Art.",
  ),
  "digest-algorithm": row(
    "DIGEST_ALGORITHM_NOT_ALLOWED",
    "The hash algorithm does not go with the signature.",
    "Das Hash-Verfahren passt nicht zur Signatur.",
  ),
  "message-digest": row(
    "CONTENT_CHANGED",
    "What is there is not what was signed.",
    "Was vorliegt, ist nicht das, was signiert wurde.",
  ),
  signature: row(
    "SIGNATURE_INVALID",
    "The signature is not by the signer's key.",
    "Die Signatur stammt nicht vom Schlüssel des Signierenden.",
  ),
  "certificate-chain": row(
    "CERTIFICATE_CHAIN_BROKEN",
    "The certificates beside the signature do not vouch for one another.",
    "Die Zertifikate an der Signatur bauen nicht aufeinander auf.",
  ),
  "signing-certificate": row(
    "SIGNING_CERTIFICATE_OTHER",
    "The signature was made for another certificate.",
    "Die Signatur wurde für ein anderes Zertifikat erzeugt.",
  ),
  "algorithm-protection": row(
    "ALGORITHMS_OTHER",
    "The algorithms named are not those that were signed.",
    "Die genannten Verfahren sind nicht die signierten.",
  ),
  detached: row(
    "SIGNATURE_NOT_DETACHED",
    "The signature has to stand beside its content.",
    "Die Signatur muss neben ihrem Inhalt stehen.",
  ),
  "signing-time": row(
    "SIGNING_TIME_MISSING",
    "The signer does not say when it signed.",
    "Der Zeitpunkt der Signatur ist nicht angegeben.",
  ),
  "mime-type": row(
    "SIGNED_AS_SOMETHING_ELSE",
    "It was signed as something else: a bare digest is no manifest.",
    "Signiert wurde es als etwas anderes: Ein bloßer Hash-Wert ist kein Manifest.",
  ),

  // When.
  "time-stamp-present": row(
    "TIME_STAMP_MISSING",
    "There has to be exactly one time stamp.",
    "Es muss genau ein Zeitstempel vorhanden sein.",
  ),
  "time-stamp": row("TIME_STAMP_INVALID", "The time stamp is not sound.", "Der Zeitstempel ist nicht gültig."),
  "time-stamp-binds-signature": row(
    "TIME_STAMP_OF_OTHER_SIGNATURE",
    "The time stamp belongs to something else.",
    "Der Zeitstempel gehört zu etwas anderem.",
  ),
  "time-stamp-trust": row(
    "TIME_STAMP_NOT_TRUSTED",
    "The time-stamping authority is not one to be trusted.",
    "Der Zeitstempeldienst ist nicht vertrauenswürdig.",
  ),

  // Who: at the time of the time stamp.
  trust: row(
    "SIGNER_NOT_JUDGED",
    "Nobody can say whether the signer was to be trusted.",
    "Ob dem Signierenden zu trauen war, lässt sich nicht sagen.",
  ),
  path: row(
    "CERTIFICATE_NOT_TRUSTED",
    "The signer's certificate was not issued under a trusted root.",
    "Das Zertifikat des Signierenden führt zu keiner vertrauenswürdigen Wurzel.",
  ),
  validity: row(
    "CERTIFICATE_NOT_VALID_THEN",
    "A certificate was not valid at the time of signing.",
    "Ein Zertifikat war zum Zeitpunkt der Signatur nicht gültig.",
  ),
  purpose: row(
    "NOT_FOR_CODE_SIGNING",
    "The signer's certificate is not for signing code.",
    "Das Zertifikat des Signierenden ist nicht für Code-Signaturen bestimmt.",
  ),
  issuer: row(
    "ISSUER_NOT_ALLOWED",
    "The policy does not allow this issuing authority.",
    "Die ausstellende Zertifizierungsstelle ist nicht zugelassen.",
  ),
  identity: row(
    "IDENTITY_NOT_ALLOWED",
    "The policy does not allow this signer.",
    "Dieser Signierende ist nicht zugelassen.",
  ),
  revocation: row(
    "CERTIFICATE_REVOKED",
    "The signer's certificate was revoked.",
    "Das Zertifikat des Signierenden wurde widerrufen.",
  ),
  "revocation-known": row(
    "REVOCATION_NOT_KNOWN",
    "It is not known whether the signer's certificate was revoked.",
    "Ob das Zertifikat des Signierenden widerrufen wurde, ist nicht bekannt.",
  ),

  // What it says of itself.
  statement: row(
    "STATEMENT_MALFORMED",
    "What was signed is not written as it has to be.",
    "Das Signierte ist nicht vorschriftsgemäß geschrieben.",
  ),
  organisation: row(
    "ORGANISATION_OTHER",
    "It was signed by or for another organisation.",
    "Signiert wurde von oder für eine andere Organisation.",
  ),
  "artefact-type": row(
    "ARTEFACT_TYPE_NOT_ALLOWED",
    "The policy does not allow artefacts of this type.",
    "Artefakte dieser Art sind nicht zugelassen.",
  ),
  "risk-class": row(
    "RISK_CLASS_NOT_ALLOWED",
    "The policy does not allow this risk class.",
    "Diese Risikoklasse ist nicht zugelassen.",
  ),
  "expected-artefact": row(
    "ARTEFACT_OTHER",
    "It is another artefact, or another version, than was expected.",
    "Es ist ein anderes Artefakt oder eine andere Version als erwartet.",
  ),
  "base-model": row(
    "BASE_MODEL_OTHER",
    "The adapter was made for another base model.",
    "Der Adapter gehört zu einem anderen Basismodell.",
  ),

  // What is there.
  shape: row(
    "SHAPE_OTHER",
    "A single file was signed and a directory is there, or the reverse.",
    "Signiert ist eine einzelne Datei und vorhanden ein Verzeichnis, oder umgekehrt.",
  ),
  "resource-names": row(
    "RESOURCE_NAMES_AMBIGUOUS",
    "Names of files are dangerous or could mean the same file.",
    "Dateinamen sind gefährlich oder könnten dieselbe Datei meinen.",
  ),
  "resources-renamed": row("RESOURCE_RENAMED", "A file was renamed.", "Eine Datei wurde umbenannt."),
  "resources-missing": row("RESOURCE_MISSING", "A signed file is missing.", "Eine signierte Datei fehlt."),
  "resources-extra": row("RESOURCE_EXTRA", "There is a file that was not signed.", "Eine Datei ist nicht signiert."),
  "resources-changed": row("RESOURCE_CHANGED", "A file was changed.", "Eine Datei wurde verändert."),
  "contents-inert": row(
    "CONTENTS_MAY_RUN",
    "A file of the model may run when it is loaded.",
    "Eine Datei des Modells kann beim Laden ausgeführt werden.",
  ),
  "contents-sound": row(
    "CONTENTS_MALFORMED",
    "The files are not what a loader of this type needs.",
    "Die Dateien sind nicht das, was zum Laden dieser Art nötig ist.",
  ),

  // Whether it may still be used: now, not then.
  "recall-list": row(
    "RECALL_LIST_NOT_TRUSTED",
    "The recall list is not by the signing service.",
    "Die Rückrufliste stammt nicht vom Signaturdienst.",
  ),
  "recall-list-current": row(
    "RECALL_LIST_NOT_CURRENT",
    "The recall list is out of date.",
    "Die Rückrufliste ist nicht aktuell.",
  ),
  "recall-known": row(
    "RECALL_NOT_KNOWN",
    "It is not known whether the artefact was recalled.",
    "Ob das Artefakt zurückgerufen wurde, ist nicht bekannt.",
  ),
  recall: row("RECALLED", "The artefact was recalled.", "Das Artefakt wurde zurückgerufen."),
} as const satisfies Record<string, VerdictRow>;

export type VerdictName = keyof typeof VERDICTS;
export type RefusalCode = (typeof VERDICTS)[VerdictName]["code"] | typeof OPEN.code;

/** What could not be looked at, since something before it does not hold. */
const OPEN = row(
  "NOT_LOOKED_AT",
  "This could not be looked at, for something before it failed.",
  "Das war nicht prüfbar, weil etwas davor nicht in Ordnung ist.",
);

/** One thing that was looked at in a signed artefact. */
export interface Verdict {
  readonly name: VerdictName;
  readonly ok: boolean;
  /** It does not hold, and the policy puts up with that: `ok`, with a reason. */
  readonly isWaived?: true;
  /** Undefined when it holds. */
  readonly code?: RefusalCode;
  readonly reason?: { readonly en: string; readonly de: string };
  /** For experts, in English. */
  readonly detail?: string;
}

const ORDER = new Map(Object.keys(VERDICTS).map((name, i) => [name, i]));

/** Checks as verdicts, in the order of the table. A check that is not in it is a mistake of ours. */
export function verdictsOf(checks: readonly Check[]): Verdict[] {
  const verdicts = checks.map(({ name, ok, isOpen = false, isWaived = false, reason: detail }): Verdict => {
    if (!isVerdictName(name)) throw new Error(`no verdict for the check ${name}`);
    if (ok && !isWaived) return { name, ok };
    const { code, en, de } = isOpen ? OPEN : VERDICTS[name];
    if (ok) return { name, ok, isWaived: true, reason: { en, de }, ...(detail && { detail }) };
    return { name, ok, code, reason: { en, de }, ...(detail && !isOpen && { detail }) };
  });
  const place = ({ name }: Verdict) => ORDER.get(name) as number;
  return verdicts.toSorted((a, b) => place(a) - place(b));
}

const isVerdictName = (name: string): name is VerdictName => Object.hasOwn(VERDICTS, name);

function row<const Code extends string>(code: Code, en: string, de: string) {
  return { code, en, de };
}
