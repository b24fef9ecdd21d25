"""What a list or an OCSP response, whose signature is right, says about one certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Revocation:
    date: datetime
    reason: str
    """CRLReason by its name in RFC 5280 section 5.3.1."""
    invalid_since: datetime | None = None
    """Since when the key is known or suspected to be compromised."""


@dataclass(frozen=True)
class Statement:
    this_update: datetime
    next_update: datetime | None
    revocation: Revocation | None
    """None: it is not revoked, as far as this source says."""
    is_complete: bool
    """Whether this source would say so if the certificate were revoked."""
