"""Whether a certificate was revoked at a point in time, as far as is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from .certificate import Certificate
from .crl import CertificateList, crl_statement
from .ocsp import OcspResponse, ocsp_statement
from .revocation_statement import Revocation, Statement

# Reasons that leave what was signed before the revocation as it is.
_LEAVES_THE_PAST = {
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    "privilegeWithdrawn",
}


@dataclass(frozen=True)
class RevocationEvidence:
    """Lists and responses about any certificates, in any order; those that do not help are passed over."""

    crls: Sequence[CertificateList] = ()
    ocsp_responses: Sequence[OcspResponse] = ()
    now: datetime | None = None
    """The present. What is dated later does not show that a certificate is good: CAs sign lists in advance. Default: all counts."""


class Status(Enum):
    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class RevocationStatus:
    status: Status
    date: datetime | None = None
    reason: str | None = None


def revocation_at(certificate: Certificate, issuer: Certificate, at: datetime, evidence: RevocationEvidence) -> RevocationStatus:
    """Signatures, scope and responders are verified. A revocation counts from its date or from when the key was compromised; one for a
    reason that says nothing about the past, such as keyCompromise without a date, counts at all times. A hold counts unless a newer
    complete statement clears it. Good is what a complete statement says that had not run out by `at`."""
    statements = _find_statements(certificate, issuer, evidence)
    revoked = [(s, s.revocation) for s in statements if s.revocation and _is_revoked_at(s.revocation, at, statements)]
    lasting = [r for s, r in revoked if not _is_releasable(s, r, at)]
    if lasting:
        return _revoked(lasting)
    good = [
        s.this_update
        for s in statements
        if s.is_complete
        and s.next_update is not None
        and s.next_update >= at
        and s.this_update <= (evidence.now or s.this_update)
    ]
    newest = max(good, default=None)
    holds = [r for s, r in revoked if newest is None or s.this_update > newest]
    if holds:
        return _revoked(holds)
    return RevocationStatus(Status.UNKNOWN if newest is None else Status.GOOD)


def _find_statements(certificate: Certificate, issuer: Certificate, evidence: RevocationEvidence) -> list[Statement]:
    def is_good(responder: Certificate, at: datetime) -> bool:
        # A responder's own status comes from lists alone, or responders could vouch for each other.
        lists = RevocationEvidence(evidence.crls, (), evidence.now)
        return revocation_at(responder, issuer, at, lists).status == Status.GOOD

    found = [
        *(crl_statement(crl, certificate, issuer) for crl in evidence.crls),
        *(ocsp_statement(response, certificate, issuer, is_good) for response in evidence.ocsp_responses),
    ]
    return [statement for statement in found if statement is not None]


def _is_revoked_at(revocation: Revocation, at: datetime, statements: Sequence[Statement]) -> bool:
    invalid_since = revocation.invalid_since or _find_invalidity_date(revocation, statements)
    if revocation.date <= at or (invalid_since is not None and invalid_since <= at):
        return True
    return revocation.reason not in _LEAVES_THE_PAST and invalid_since is None


def _find_invalidity_date(revocation: Revocation, statements: Sequence[Statement]) -> datetime | None:
    """OCSP responses carry no invalidityDate; the list with the same revocation may."""
    for statement in statements:
        other = statement.revocation
        if other and other.invalid_since and (other.reason, other.date) == (revocation.reason, revocation.date):
            return other.invalid_since
    return None


def _is_releasable(statement: Statement, revocation: Revocation, at: datetime) -> bool:
    """A hold may have ended since a list ran out."""
    return revocation.reason == "certificateHold" and statement.next_update is not None and statement.next_update < at


def _revoked(revocations: Sequence[Revocation]) -> RevocationStatus:
    """Of several the earliest."""
    first = min(revocations, key=lambda revocation: revocation.date)
    return RevocationStatus(Status.REVOKED, first.date, first.reason)
