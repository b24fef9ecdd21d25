"""Recall lists: what may be used no more, although it was signed in good order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ..asn1 import oids
from ..checks import Check, faults_text, open_check, outcome
from ..cms.dsse import verify_envelope_at
from ..errors import PkiError
from ..x509.certificate import Certificate
from ..x509.spiffe import DEFAULT_TRUST_DOMAIN, SpiffeId
from ..x509.trust import Anchored, TrustCheck
from .bundle import parse_bundle
from .facts import is_organisation, is_text
from .resources import is_digest
from .signer_trust import ArtefactTrust
from .strict_json import canonical_json, parse_strict_json
from .trust_policy import TrustPolicy

RECALL_LIST_PAYLOAD_TYPE = "application/vnd.vcc-pki.recall-list+json"
RECALL_SHARDS = 16
_MAX_LIST_OCTETS = 16 * 1024 * 1024 - 1024
_MAX_DEPTH = 4
_MAX_ENTRIES = 100_000
# RFC 3339 in UTC with milliseconds.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def recall_shard_of(digest: str) -> int:
    """Lists are by the first hex digit of an artefact's digest."""
    return int(digest[len("sha256:")], 16)


@dataclass(frozen=True)
class RecallEvidence:
    """A recall list as it was fetched or kept."""

    bundle: bytes
    """Around the list; it has no time stamp, since the list itself says for how long it counts."""
    at: datetime
    """Now, aware."""
    grace: timedelta = timedelta()
    """For how long a list counts after its nextUpdate: for whoever was cut off."""
    last_number: int = 0
    """The number of the newest list of this shard that was seen, so that nobody brings an older one."""
    trust_domain: str = DEFAULT_TRUST_DOMAIN


@dataclass(frozen=True)
class RecallList:
    shard: int
    number: int
    """Only grows, from list to list of a shard."""
    this_update: datetime
    next_update: datetime
    entries: tuple[dict[str, Any], ...]
    """As they stand in the list: of a digest, or of a signer since a time."""


def parse_recall_list(octets: bytes) -> RecallList:
    """Reads a list in its one form: canonical JSON, entries sorted and none twice. Raises RECALL_LIST_MALFORMED, REQUEST_TOO_LARGE."""
    json = parse_strict_json(
        octets, max_octets=_MAX_LIST_OCTETS, max_depth=_MAX_DEPTH, code="RECALL_LIST_MALFORMED", what="the recall list"
    )
    keys = {"version", "shard", "shards", "number", "thisUpdate", "nextUpdate", "entries"}
    if not isinstance(json, dict) or json.keys() != keys:
        raise _malformed("is not an object of its names")
    shard, number, entries = json["shard"], json["number"], json["entries"]
    if not (_is_int(json["version"], 1, 1) and _is_int(json["shards"], RECALL_SHARDS, RECALL_SHARDS)):
        raise _malformed("is of another version or division")
    if not (_is_int(shard, 0, RECALL_SHARDS - 1) and _is_int(number, 1, 2**53 - 1)):
        raise _malformed("has no shard or number")
    this_update, next_update = parse_time(json["thisUpdate"]), parse_time(json["nextUpdate"])
    if next_update <= this_update:
        raise _malformed("ends before it begins")
    if not isinstance(entries, list) or len(entries) > _MAX_ENTRIES:
        raise _malformed("has too many entries")
    subjects = [_subject_of(entry, shard) for entry in entries]
    if any(a >= b for a, b in zip(subjects, subjects[1:])) or canonical_json(json) != octets:
        raise _malformed("is not written in its one form")
    return RecallList(shard, number, this_update, next_update, tuple(entries))


def _is_int(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _subject_of(entry: Any, shard: int) -> str:
    """What is recalled, and whose it is: there is one entry for it."""
    said = {"organisation", "reason", "recalledAt"}
    if not isinstance(entry, dict) or entry.keys() not in ({*said, "digest"}, {*said, "signer", "since"}):
        raise _malformed("has an entry that is none")
    if not is_organisation(entry["organisation"]) or not is_text(entry["reason"], 512):
        raise _malformed("has an entry without an organisation or a reason")
    parse_time(entry["recalledAt"])
    if "digest" in entry:
        if not is_digest(entry["digest"]) or recall_shard_of(entry["digest"]) != shard:
            raise _malformed("has an entry of another shard")
        return f"{entry['organisation']} {entry['digest']}"
    signer = entry["signer"]
    parse_time(entry["since"])
    if not isinstance(signer, str) or not signer.startswith("spiffe://") or len(signer) > 512:
        raise _malformed("has an entry without a signer")
    return f"{entry['organisation']} {signer}"


def parse_time(text: Any) -> datetime:
    """RFC 3339 in UTC with milliseconds. Raises RECALL_LIST_MALFORMED."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise _malformed("has a time that is none")
    try:
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=timezone.utc)
    except ValueError:
        raise _malformed("has a time that is none") from None


def verify_recall_list(evidence: RecallEvidence, trust: ArtefactTrust) -> tuple[list[Check], RecallList | None]:
    """Whether a recall list is by the suite's signing service and counts now. The list is there only when both checks hold."""
    try:
        recall_list = _read_signed_list(evidence, trust)
    except PkiError as error:
        return [Check("recall-list", False, error.message)], None
    current = outcome("recall-list-current", _find_untimely(recall_list, evidence))
    return [Check("recall-list", True), current], recall_list if current.ok else None


def _read_signed_list(evidence: RecallEvidence, trust: ArtefactTrust) -> RecallList:
    bundle = parse_bundle(evidence.bundle)
    by = _signing_service_trust(trust, f"spiffe://{evidence.trust_domain}/pki/signing")
    findings = verify_envelope_at(bundle.envelope, RECALL_LIST_PAYLOAD_TYPE, bundle.certificates, by, evidence.at)
    if not findings.ok:
        raise PkiError("RECALL_LIST_MALFORMED", faults_text(findings.checks))
    return parse_recall_list(bundle.envelope.payload)


def _signing_service_trust(trust: ArtefactTrust, uri: str) -> TrustCheck:
    """Lists are by the suite's own service, whose name no organisation's signer can have."""
    anchored = Anchored(trust.anchors, trust.intermediates, oids.CODE_SIGNING, trust.revocation)

    def judge(signer: Certificate, others: Sequence[Certificate], at: datetime) -> list[Check]:
        is_named = signer.names.uri == (uri,)
        identity = outcome("identity", None if is_named else f"the certificate is not for {uri}")
        return [*anchored(signer, others, at), identity]

    return judge


def _find_untimely(recall_list: RecallList, evidence: RecallEvidence) -> str | None:
    if recall_list.number < evidence.last_number:
        return f"it has number {recall_list.number}, and {evidence.last_number} was seen"
    if evidence.at < recall_list.this_update:
        return f"it is of {recall_list.this_update.isoformat()}"
    until = recall_list.next_update + evidence.grace
    return f"it counted until {until.isoformat()}" if evidence.at > until else None


def check_recall(
    digest: str | None,
    signer: SpiffeId | None,
    signed_at: datetime | None,
    evidence: RecallEvidence | None,
    trust: ArtefactTrust,
    policy: TrustPolicy,
) -> list[Check]:
    """Whether an artefact was recalled, or everything that its signer signed since some time. Without a list that counts it is not known,
    which a policy can put up with where nothing was brought; a list that was brought and does not count is refused. `digest`: None
    when it is not one of SHA-256: then its signer alone can have been recalled."""
    known = "recall-known"
    if evidence is None:
        is_waived = policy.recall != "required"
        return [Check(known, is_waived, "there is no recall list", is_waived=is_waived)]
    checks, recall_list = verify_recall_list(evidence, trust)
    if recall_list is None or signer is None or signed_at is None:
        return [*checks, open_check(known), open_check("recall")]
    if digest is not None and recall_shard_of(digest) != recall_list.shard:
        return [*checks, Check(known, False, f"the list is of shard {recall_list.shard}"), open_check("recall")]

    def is_about(entry: dict[str, Any]) -> bool:
        if entry["organisation"] != signer.organisation:
            return False
        if "digest" in entry:
            return bool(entry["digest"] == digest)
        return bool(entry["signer"] == signer.uri and signed_at >= parse_time(entry["since"]))

    entry = next(filter(is_about, recall_list.entries), None)
    reason = None if entry is None else f"{entry['recalledAt']}: {entry['reason']}"
    return [*checks, Check(known, True), outcome("recall", reason)]


def _malformed(fault: str) -> PkiError:
    return PkiError("RECALL_LIST_MALFORMED", f"the recall list {fault}")
