"""Asking whether a signer is to be trusted at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..asn1 import oids
from ..checks import Check, outcome, run_check
from .certificate import Certificate
from .path import validate_path
from .path_rules import PathFault
from .revocation import RevocationEvidence

TRUST = "trust"

TrustCheck = Callable[[Certificate, Sequence[Certificate], datetime], Sequence[Check]]
"""Whether a signer's certificate is trusted at a time. The others came with the signature and are not trusted. One check for each thing
that was looked at; none at all is no trust, and neither is an error."""


def ask_trust(trust: TrustCheck, signer: Certificate, others: Sequence[Certificate], at: datetime) -> Sequence[Check]:
    """What a trust check says; where it says nothing, or fails, one check that does not hold."""
    made: list[Check] = []

    def ask(_: None) -> str | None:
        made.extend(trust(signer, others, at))
        return None if made else "nothing vouches for the signer"

    asked = run_check(TRUST, ask, None)
    return made if asked.ok else [asked]


@dataclass(frozen=True)
class Anchored:
    """Trusts a signer, by default a time-stamping unit, whose certificate had a path to one of these anchors at the time in question and
    was not revoked then. The checks are "path" and, where it is looked at or required, "revocation"."""

    anchors: Sequence[Certificate]
    intermediates: Sequence[Certificate] = ()
    purpose: str = oids.TIME_STAMPING
    revocation: RevocationEvidence | None = None
    require_revocation: bool = False

    def __call__(self, signer: Certificate, others: Sequence[Certificate], at: datetime) -> Sequence[Check]:
        result = validate_path(
            signer,
            [*others, *self.intermediates],
            self.anchors,
            at,
            purpose=self.purpose,
            revocation=self.revocation,
            require_revocation=self.require_revocation,
        )

        def check(name: str, about_revocation: bool) -> Check:
            return outcome(name, describe(f for f in result.faults if f.reason.startswith("revo") == about_revocation))

        path = check("path", False)
        is_asked = self.revocation is not None or self.require_revocation
        return [path, check("revocation", True)] if is_asked else [path]


def describe(faults: Iterable[PathFault]) -> str | None:
    """Faults in words; None when there are none."""
    return "; ".join(map(str, faults)) or None
