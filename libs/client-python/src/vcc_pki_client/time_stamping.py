"""Asking for time stamps and verifying them (RFC 3161)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Sequence

from .asn1.writer import integer, octet_string, sequence, tlv
from .checks import faults_text
from .cms.time_stamp import TimeStampQuestion, token_of, verify_time_stamp_token
from .errors import PkiError
from .x509.algorithms import hash_identifier
from .x509.certificate import Certificate
from .x509.revocation import RevocationEvidence
from .x509.trust import Anchored

TIMESTAMP_QUERY = "application/timestamp-query"


@dataclass(frozen=True)
class TimeStamp:
    """A verified time stamp."""

    token: bytes
    """TimeStampToken, DER: what is to be kept."""
    gen_time: datetime
    """When what was stamped was there already; aware, in UTC."""
    accuracy: timedelta
    """By how much `gen_time` may be off; zero when it is not said."""
    serial_number: int
    policy: str
    """Dotted."""


@dataclass(frozen=True)
class StampTrust:
    """Whose time stamps count."""

    anchors: Sequence[Certificate]
    intermediates: Sequence[Certificate] = ()
    policies: Sequence[str] | None = None
    """Dotted; None: any."""
    revocation: RevocationEvidence | None = None
    require_revocation: bool = False


def build_request(digest: bytes, hash_algorithm: str = "sha256", nonce: int | None = None) -> bytes:
    """TimeStampReq ::= SEQUENCE { version INTEGER { v1(1) }, messageImprint SEQUENCE { hashAlgorithm, hashedMessage }, reqPolicy OPTIONAL, nonce
    INTEGER OPTIONAL, certReq BOOLEAN DEFAULT FALSE } (RFC 3161 section 2.4.1)"""
    imprint = sequence(hash_identifier(hash_algorithm), octet_string(digest))
    return sequence(integer(1), imprint, b"" if nonce is None else integer(nonce), tlv(0x01, b"\xff"))


def new_nonce() -> int:
    """64 bits that nobody can foresee."""
    return secrets.randbits(64) | 1


def verify_response(
    response: bytes, digest: bytes, trust: StampTrust, nonce: int | None, hash_algorithm: str = "sha256"
) -> TimeStamp:
    """What a TimeStampResp came to. Raises TIMESTAMP_REFUSED when it has no token, TIMESTAMP_INVALID when the token is not about this."""
    return verify_token(token_of(response), digest, trust, nonce, hash_algorithm)


def verify_token(
    token: bytes, digest: bytes, trust: StampTrust, nonce: int | None = None, hash_algorithm: str = "sha256"
) -> TimeStamp:
    """What a token proves about a digest. Raises TIMESTAMP_INVALID, whose details name every check that fails."""
    anchored = Anchored(
        trust.anchors, trust.intermediates, revocation=trust.revocation, require_revocation=trust.require_revocation
    )
    question = TimeStampQuestion(hash_algorithm, digest, anchored, nonce, trust.policies, trust.intermediates)
    verification = verify_time_stamp_token(token, question)
    info = verification.tst_info
    if not verification.ok or info is None:
        failed = ", ".join(check.name for check in verification.checks if not check.ok and not check.is_open)
        raise PkiError("TIMESTAMP_INVALID", faults_text(verification.checks), {"checks": failed})
    return TimeStamp(token, info.gen_time, info.accuracy, info.serial_number, info.policy)
