"""Whether a certificate was good at a point in time, under these anchors, for this purpose (RFC 5280 section 6.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..asn1 import oids
from ..errors import PkiError
from .certificate import Certificate, is_signed_by
from .path_rules import PathFault, find_own_faults, find_path_faults
from .revocation import RevocationEvidence, Status, revocation_at

# What a search may cost. A bag of certificates comes from whoever made the signature, and can be made so that there is no end of paths.
MAX_CERTIFICATES, MAX_TRIES, MAX_SIGNATURES, MAX_PATHS = 8, 1000, 100, 32

_REASON_BY_CODE = {
    "ALGORITHM_NOT_ALLOWED": "algorithmNotAllowed",
    "KEY_WEAK": "keyNotAllowed",
    "KEY_NOT_ALLOWED": "keyNotAllowed",
    "DER_MALFORMED": "malformed",
}


@dataclass(frozen=True)
class PathResult:
    path: tuple[Certificate, ...]
    """The certificate first, the anchor last; empty when there is none in which nothing is wrong."""
    faults: tuple[PathFault, ...]
    """What is wrong with the best of the paths there are, or why there is none; empty when a path is good."""

    @property
    def ok(self) -> bool:
        return not self.faults


def validate_path(
    certificate: Certificate,
    candidates: Sequence[Certificate],
    anchors: Sequence[Certificate],
    at: datetime,
    *,
    purpose: str | None = None,
    revocation: RevocationEvidence | None = None,
    require_revocation: bool = False,
) -> PathResult:
    """Builds the paths there are, within limits, and takes the first in which nothing is wrong. An anchor alone is no path, and what an
    anchor says holds for it, too. Names are compared octet by octet. Does not look at whether the names are those of a peer."""
    search = _PathSearch(candidates, anchors, at)
    best: list[PathFault] | None = None
    count = 0
    for path in search.paths((certificate,)):
        faults = [fault for i, each in enumerate(path) for fault in find_own_faults(each, i == len(path) - 1, at)]
        faults += find_path_faults(path, purpose)
        if not faults and (revocation is not None or require_revocation):
            faults = list(_find_revoked(path, at, revocation or RevocationEvidence(), require_revocation))
        if not faults:
            return PathResult(path, ())
        if best is None or len(faults) < len(best):
            best = faults
        count += 1
        if count == MAX_PATHS:
            break
    reasons = best if best is not None else [search.dead_end] if search.dead_end else []
    if count == MAX_PATHS or search.is_given_up or not reasons:
        reasons = [*reasons, PathFault("tooManyTries", "there are too many paths to try", certificate)]
    return PathResult((), tuple(reasons))


def _find_revoked(
    path: Sequence[Certificate], at: datetime, evidence: RevocationEvidence, is_required: bool
) -> Iterator[PathFault]:
    """A certificate whose issuer never publishes revocation is good without proof (RFC 9608 section 4)."""
    for certificate, issuer in zip(path, path[1:]):
        found = revocation_at(certificate, issuer, at, evidence)
        if found.status == Status.REVOKED:
            yield PathFault("revoked", f"revoked on {found.date}, {found.reason}", certificate)
        elif found.status == Status.UNKNOWN and is_required and oids.NO_REV_AVAIL not in certificate.critical:
            yield PathFault("revocationUnknown", "nothing shows that it was not revoked", certificate)


class _PathSearch:
    """Finds paths through certificates that nobody vouches for, by names and signatures alone."""

    def __init__(self, candidates: Sequence[Certificate], anchors: Sequence[Certificate], at: datetime) -> None:
        self._anchors = {anchor.der for anchor in anchors}
        self._at = at
        self._by_name: dict[bytes, list[Certificate]] = {}
        for issuer in [*anchors, *(each for each in candidates if each.der not in self._anchors)]:
            self._by_name.setdefault(issuer.subject_der, []).append(issuer)
        self._verified: dict[tuple[bytes, bytes], tuple[str, str] | None] = {}
        self._tries = 0
        self._depth = 0
        self.dead_end: PathFault | None = None

    @property
    def is_given_up(self) -> bool:
        return self._tries >= MAX_TRIES or len(self._verified) >= MAX_SIGNATURES

    def paths(self, path: tuple[Certificate, ...]) -> Iterator[tuple[Certificate, ...]]:
        """The certificate first, each signed by the next, an anchor last. The likeliest come first."""
        certificate = path[-1]
        fault = ("noIssuer", "no certificate of its issuer is known")
        for issuer in self._issuers_of(certificate):
            # RFC 4158 section 5.2: a CA that is in the path already leads nowhere new.
            if any(each.spki_der == issuer.spki_der and each.subject_der == issuer.subject_der for each in path):
                continue
            if self.is_given_up:
                return
            self._tries += 1
            wrong = self._find_signature_fault(certificate, issuer)
            if wrong is not None:
                fault = wrong
            elif issuer.der in self._anchors:
                yield (*path, issuer)
            elif len(path) + 2 <= MAX_CERTIFICATES:
                yield from self.paths((*path, issuer))
            else:
                fault = ("pathTooLong", f"more than {MAX_CERTIFICATES} certificates")
        if len(path) > self._depth:
            self.dead_end = PathFault(fault[0], fault[1], certificate)
            self._depth = len(path)

    def _issuers_of(self, certificate: Certificate) -> list[Certificate]:
        """Those whose name it carries: anchors first, then what looks right. Key identifiers decide about the order and nothing else."""

        def likelihood(issuer: Certificate) -> int:
            wanted, has = certificate.authority_key_identifier, issuer.subject_key_identifier
            of_key = 1 if wanted is None or has is None else 2 if wanted == has else 0
            is_valid = issuer.not_before <= self._at <= issuer.not_after
            return (8 if is_valid and issuer.is_ca else 0) + (4 if issuer.der in self._anchors else 0) + of_key

        return sorted(self._by_name.get(certificate.issuer_der, []), key=likelihood, reverse=True)

    def _find_signature_fault(self, certificate: Certificate, issuer: Certificate) -> tuple[str, str] | None:
        """Each signature is verified once under each key."""
        pair = (certificate.der, issuer.spki_der)
        if pair not in self._verified:
            self._verified[pair] = _signature_fault(certificate, issuer)
        return self._verified[pair]


def _signature_fault(certificate: Certificate, issuer: Certificate) -> tuple[str, str] | None:
    try:
        if is_signed_by(certificate, issuer.spki_der):
            return None
        return ("signatureInvalid", "its signature is not by the issuer's key")
    except PkiError as error:
        return (_REASON_BY_CODE.get(error.code, "malformed"), error.message)
