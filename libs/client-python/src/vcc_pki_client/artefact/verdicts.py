"""Everything that is looked at in a signed artefact, in this order, and what is said when it does not hold. Names, codes and words are those of
libs/artefact (`verification/verdicts.ts`); a test holds the two against each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..checks import Check


@dataclass(frozen=True)
class VerdictRow:
    code: str
    """Why something is refused: stable, for programs."""
    en: str
    de: str


def _row(code: str, en: str, de: str) -> VerdictRow:
    return VerdictRow(code, en, de)


VERDICTS: Mapping[str, VerdictRow] = {
    "well-formed": _row(
        "SIGNATURE_MALFORMED",
        "The signature cannot be read.",
        "Die Signatur ist nicht lesbar.",
    ),
    "one-signer": _row(
        "NOT_ONE_SIGNATURE",
        "There has to be exactly one signature.",
        "Es muss genau eine Signatur vorhanden sein.",
    ),
    "signer-certificate": _row(
        "SIGNER_CERTIFICATE_MISSING",
        "The signer's certificate is missing or ambiguous.",
        "Das Zertifikat des Signierenden fehlt oder ist nicht eindeutig.",
    ),
    "versions": _row(
        "SIGNATURE_VERSION_WRONG",
        "The signature has a wrong version number.",
        "Die Signatur hat eine falsche Versionsnummer.",
    ),
    "signed-attributes": _row(
        "SIGNED_ATTRIBUTES_MALFORMED",
        "The attributes under the signature are missing or malformed.",
        "Die signierten Attribute fehlen oder sind fehlerhaft.",
    ),
    "content-type": _row(
        "CONTENT_TYPE_OTHER",
        "Another type of content was signed.",
        "Signiert wurde ein Inhalt anderer Art.",
    ),
    "digest-algorithm": _row(
        "DIGEST_ALGORITHM_NOT_ALLOWED",
        "The hash algorithm does not go with the signature.",
        "Das Hash-Verfahren passt nicht zur Signatur.",
    ),
    "message-digest": _row(
        "CONTENT_CHANGED",
        "What is there is not what was signed.",
        "Was vorliegt, ist nicht das, was signiert wurde.",
    ),
    "signature": _row(
        "SIGNATURE_INVALID",
        "The signature is not by the signer's key.",
        "Die Signatur stammt nicht vom Schlüssel des Signierenden.",
    ),
    "certificate-chain": _row(
        "CERTIFICATE_CHAIN_BROKEN",
        "The certificates beside the signature do not vouch for one another.",
        "Die Zertifikate an der Signatur bauen nicht aufeinander auf.",
    ),
    "signing-certificate": _row(
        "SIGNING_CERTIFICATE_OTHER",
        "The signature was made for another certificate.",
        "Die Signatur wurde für ein anderes Zertifikat erzeugt.",
    ),
    "algorithm-protection": _row(
        "ALGORITHMS_OTHER",
        "The algorithms named are not those that were signed.",
        "Die genannten Verfahren sind nicht die signierten.",
    ),
    "detached": _row(
        "SIGNATURE_NOT_DETACHED",
        "The signature has to stand beside its content.",
        "Die Signatur muss neben ihrem Inhalt stehen.",
    ),
    "signing-time": _row(
        "SIGNING_TIME_MISSING",
        "The signer does not say when it signed.",
        "Der Zeitpunkt der Signatur ist nicht angegeben.",
    ),
    "mime-type": _row(
        "SIGNED_AS_SOMETHING_ELSE",
        "It was signed as something else: a bare digest is no manifest.",
        "Signiert wurde es als etwas anderes: Ein bloßer Hash-Wert ist kein Manifest.",
    ),
    "time-stamp-present": _row(
        "TIME_STAMP_MISSING",
        "There has to be exactly one time stamp.",
        "Es muss genau ein Zeitstempel vorhanden sein.",
    ),
    "time-stamp": _row(
        "TIME_STAMP_INVALID",
        "The time stamp is not sound.",
        "Der Zeitstempel ist nicht gültig.",
    ),
    "time-stamp-binds-signature": _row(
        "TIME_STAMP_OF_OTHER_SIGNATURE",
        "The time stamp belongs to something else.",
        "Der Zeitstempel gehört zu etwas anderem.",
    ),
    "time-stamp-trust": _row(
        "TIME_STAMP_NOT_TRUSTED",
        "The time-stamping authority is not one to be trusted.",
        "Der Zeitstempeldienst ist nicht vertrauenswürdig.",
    ),
    "trust": _row(
        "SIGNER_NOT_JUDGED",
        "Nobody can say whether the signer was to be trusted.",
        "Ob dem Signierenden zu trauen war, lässt sich nicht sagen.",
    ),
    "path": _row(
        "CERTIFICATE_NOT_TRUSTED",
        "The signer's certificate was not issued under a trusted root.",
        "Das Zertifikat des Signierenden führt zu keiner vertrauenswürdigen Wurzel.",
    ),
    "validity": _row(
        "CERTIFICATE_NOT_VALID_THEN",
        "A certificate was not valid at the time of signing.",
        "Ein Zertifikat war zum Zeitpunkt der Signatur nicht gültig.",
    ),
    "purpose": _row(
        "NOT_FOR_CODE_SIGNING",
        "The signer's certificate is not for signing code.",
        "Das Zertifikat des Signierenden ist nicht für Code-Signaturen bestimmt.",
    ),
    "issuer": _row(
        "ISSUER_NOT_ALLOWED",
        "The policy does not allow this issuing authority.",
        "Die ausstellende Zertifizierungsstelle ist nicht zugelassen.",
    ),
    "identity": _row(
        "IDENTITY_NOT_ALLOWED",
        "The policy does not allow this signer.",
        "Dieser Signierende ist nicht zugelassen.",
    ),
    "revocation": _row(
        "CERTIFICATE_REVOKED",
        "The signer's certificate was revoked.",
        "Das Zertifikat des Signierenden wurde widerrufen.",
    ),
    "revocation-known": _row(
        "REVOCATION_NOT_KNOWN",
        "It is not known whether the signer's certificate was revoked.",
        "Ob das Zertifikat des Signierenden widerrufen wurde, ist nicht bekannt.",
    ),
    "statement": _row(
        "STATEMENT_MALFORMED",
        "What was signed is not written as it has to be.",
        "Das Signierte ist nicht vorschriftsgemäß geschrieben.",
    ),
    "organisation": _row(
        "ORGANISATION_OTHER",
        "It was signed by or for another organisation.",
        "Signiert wurde von oder für eine andere Organisation.",
    ),
    "artefact-type": _row(
        "ARTEFACT_TYPE_NOT_ALLOWED",
        "The policy does not allow artefacts of this type.",
        "Artefakte dieser Art sind nicht zugelassen.",
    ),
    "risk-class": _row(
        "RISK_CLASS_NOT_ALLOWED",
        "The policy does not allow this risk class.",
        "Diese Risikoklasse ist nicht zugelassen.",
    ),
    "expected-artefact": _row(
        "ARTEFACT_OTHER",
        "It is another artefact, or another version, than was expected.",
        "Es ist ein anderes Artefakt oder eine andere Version als erwartet.",
    ),
    "base-model": _row(
        "BASE_MODEL_OTHER",
        "The adapter was made for another base model.",
        "Der Adapter gehört zu einem anderen Basismodell.",
    ),
    "shape": _row(
        "SHAPE_OTHER",
        "A single file was signed and a directory is there, or the reverse.",
        "Signiert ist eine einzelne Datei und vorhanden ein Verzeichnis, oder umgekehrt.",
    ),
    "resource-names": _row(
        "RESOURCE_NAMES_AMBIGUOUS",
        "Names of files are dangerous or could mean the same file.",
        "Dateinamen sind gefährlich oder könnten dieselbe Datei meinen.",
    ),
    "resources-renamed": _row(
        "RESOURCE_RENAMED",
        "A file was renamed.",
        "Eine Datei wurde umbenannt.",
    ),
    "resources-missing": _row(
        "RESOURCE_MISSING",
        "A signed file is missing.",
        "Eine signierte Datei fehlt.",
    ),
    "resources-extra": _row(
        "RESOURCE_EXTRA",
        "There is a file that was not signed.",
        "Eine Datei ist nicht signiert.",
    ),
    "resources-changed": _row(
        "RESOURCE_CHANGED",
        "A file was changed.",
        "Eine Datei wurde verändert.",
    ),
    "contents-inert": _row(
        "CONTENTS_MAY_RUN",
        "A file of the model may run when it is loaded.",
        "Eine Datei des Modells kann beim Laden ausgeführt werden.",
    ),
    "contents-sound": _row(
        "CONTENTS_MALFORMED",
        "The files are not what a loader of this type needs.",
        "Die Dateien sind nicht das, was zum Laden dieser Art nötig ist.",
    ),
    "recall-list": _row(
        "RECALL_LIST_NOT_TRUSTED",
        "The recall list is not by the signing service.",
        "Die Rückrufliste stammt nicht vom Signaturdienst.",
    ),
    "recall-list-current": _row(
        "RECALL_LIST_NOT_CURRENT",
        "The recall list is out of date.",
        "Die Rückrufliste ist nicht aktuell.",
    ),
    "recall-known": _row(
        "RECALL_NOT_KNOWN",
        "It is not known whether the artefact was recalled.",
        "Ob das Artefakt zurückgerufen wurde, ist nicht bekannt.",
    ),
    "recall": _row(
        "RECALLED",
        "The artefact was recalled.",
        "Das Artefakt wurde zurückgerufen.",
    ),
}

# What could not be looked at, since something before it does not hold.
OPEN = _row(
    "NOT_LOOKED_AT",
    "This could not be looked at, for something before it failed.",
    "Das war nicht prüfbar, weil etwas davor nicht in Ordnung ist.",
)


@dataclass(frozen=True)
class Verdict:
    """One thing that was looked at in a signed artefact."""

    name: str
    ok: bool
    code: str | None = None
    """None when it holds; otherwise a code of VERDICTS, or NOT_LOOKED_AT."""
    reason: VerdictRow | None = None
    """The reason in English and German."""
    detail: str | None = None
    """For experts, in English."""
    is_waived: bool = False
    """It does not hold, and the policy puts up with that: `ok`, with a reason."""


_ORDER = {name: i for i, name in enumerate(VERDICTS)}


def verdicts_of(checks: Iterable[Check]) -> list[Verdict]:
    """Checks as verdicts, in the order of the table. A check that is not in it is a mistake of ours."""
    return sorted(map(_verdict_of, checks), key=lambda verdict: _ORDER[verdict.name])


def _verdict_of(check: Check) -> Verdict:
    if check.ok and check.is_waived:
        return Verdict(check.name, True, None, VERDICTS[check.name], check.reason, is_waived=True)
    if check.ok:
        return Verdict(check.name, True)
    row = OPEN if check.is_open else VERDICTS[check.name]
    return Verdict(check.name, False, row.code, row, None if check.is_open else check.reason)
