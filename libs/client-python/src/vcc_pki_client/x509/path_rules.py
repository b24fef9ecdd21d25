"""What is wrong with the certificates of a path, by themselves and in their places (RFC 5280 sections 4 and 6.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..asn1 import oids
from ..errors import PkiError
from .algorithms import check_public_key
from .certificate import Certificate
from .name_constraints import comparison_count, find_violation
from .name_forms import is_absolute_uri, is_dns_name, is_mailbox
from .policies import is_policy_valid, mapped_policies
from .purpose import find_purpose_fault, may_issue_for

# Of names with constraints, for one certificate below one CA.
MAX_COMPARISONS = 250_000

# Extensions that validation acts on: these may be critical (section 6.1.4 (o)).
_UNDERSTOOD = {
    oids.KEY_USAGE,
    oids.SUBJECT_ALT_NAME,
    oids.BASIC_CONSTRAINTS,
    oids.NAME_CONSTRAINTS,
    oids.CRL_DISTRIBUTION_POINTS,
    oids.CERTIFICATE_POLICIES,
    oids.POLICY_MAPPINGS,
    oids.POLICY_CONSTRAINTS,
    oids.EXT_KEY_USAGE,
    oids.INHIBIT_ANY_POLICY,
}
_MUST_BE_CRITICAL = {oids.NAME_CONSTRAINTS, oids.POLICY_CONSTRAINTS, oids.INHIBIT_ANY_POLICY}
_CA_ONLY = _MUST_BE_CRITICAL | {oids.POLICY_MAPPINGS}


@dataclass(frozen=True)
class PathFault:
    reason: str
    """Stable: the words of `PathReason` in libs/x509."""
    message: str
    certificate: Certificate

    def __str__(self) -> str:
        return f"{self.certificate}: {self.reason}: {self.message}"


# What conforming CAs MUST do; True where it is broken. A certificate that differs was made by something else.
_RULES: tuple[tuple[str, Callable[[Certificate, bool], Any]], ...] = (
    ("version is not 3", lambda c, _: c.version != 3),
    # There are roots with the serial number 0; those who trust them do not do so by number.
    ("serial number is zero", lambda c, is_anchor: not is_anchor and c.serial_number == 0),
    ("issuer is empty", lambda c, _: not c.issuer.rdns),
    ("subject of a CA is empty", lambda c, _: c.is_ca and not c.subject.rdns),
    (
        "subject is empty and subjectAltName is not critical",
        lambda c, _: not c.subject.rdns and not c.critical.get(oids.SUBJECT_ALT_NAME),
    ),
    (
        "an extension that must be critical is not",
        lambda c, _: any(
            not critical and (dotted in _MUST_BE_CRITICAL or (c.is_ca and dotted == oids.BASIC_CONSTRAINTS))
            for dotted, critical in c.critical.items()
        ),
    ),
    ("a CA without subjectKeyIdentifier", lambda c, _: c.is_ca and not c.subject_key_identifier),
    ("no authorityKeyIdentifier", lambda c, _: not c.authority_key_identifier and not c.is_self_issued),
    ("keyCertSign without cA", lambda c, _: not c.is_ca and "keyCertSign" in (c.key_usage or ())),
    ("constraints on other certificates in one of an end entity", lambda c, _: not c.is_ca and _CA_ONLY & set(c.critical)),
    ("noRevAvail in a CA certificate", lambda c, _: c.is_ca and oids.NO_REV_AVAIL in c.critical),  # RFC 9608 section 3
    ("anyPolicy is mapped", lambda c, _: any(oids.ANY_POLICY in pair for pair in mapped_policies(c))),
    (
        "a name in subjectAltName is not one of its form",
        lambda c, _: (
            not (
                all(is_dns_name(name, wildcard=True) for name in c.names.dns)
                and all(map(is_mailbox, c.names.email))
                and all(map(is_absolute_uri, c.names.uri))
            )
        ),
    ),
)


def find_own_faults(certificate: Certificate, is_anchor: bool, at: datetime) -> Iterator[PathFault]:
    """What is wrong with a certificate at this time, whatever stands around it. notAfter is the last second in which it is valid, and
    that second has fractions (section 4.1.2.5)."""
    second = at.replace(microsecond=0)
    if second < certificate.not_before:
        yield PathFault("notYetValid", f"valid from {certificate.not_before.isoformat()}", certificate)
    elif second > certificate.not_after:
        yield PathFault("expired", f"valid until {certificate.not_after.isoformat()}", certificate)
    try:
        check_public_key(certificate.spki_der)
    except PkiError as error:
        yield PathFault("malformed" if error.code == "DER_MALFORMED" else "keyNotAllowed", error.message, certificate)
    for dotted, critical in certificate.critical.items():
        if critical and dotted not in _UNDERSTOOD:
            yield PathFault("criticalExtension", f"critical extension {dotted}", certificate)
    for what, is_broken in _RULES:
        try:
            broken = is_broken(certificate, is_anchor)
        except PkiError as error:
            broken, what = True, error.message
        if broken:
            yield PathFault("malformed", what, certificate)


def find_path_faults(path: Sequence[Certificate], purpose: str | None) -> Iterator[PathFault]:
    """What is wrong with certificates in their places: the end entity first, the anchor last, whose own constraints count, too."""
    leaf = path[0]
    fault = purpose and find_purpose_fault(leaf, purpose)
    if fault:
        yield PathFault("purpose", fault, leaf)
    for i in range(1, len(path)):
        yield from _find_issuer_faults(path[i], path[:i], purpose)
    try:
        if not is_policy_valid(path):
            yield PathFault("policy", "not valid under any policy that would do", leaf)
    except PkiError as error:
        yield PathFault("malformed", error.message, leaf)


def _find_issuer_faults(issuer: Certificate, below: Sequence[Certificate], purpose: str | None) -> Iterator[PathFault]:
    """Section 6.1.4 (k) to (n) and 6.1.3 (b) and (c). `below`: from the end entity up to the one that this one signed."""
    if not issuer.is_ca:
        yield PathFault("notACa", "an issuer is not a CA", issuer)
    elif issuer.key_usage is not None and "keyCertSign" not in issuer.key_usage:
        yield PathFault("notACa", "a CA may not sign certificates", issuer)
    cas_below = sum(1 for certificate in below[1:] if not certificate.is_self_issued)
    if issuer.path_length is not None and cas_below > issuer.path_length:
        yield PathFault("pathLength", f"{cas_below} CAs below one that admits {issuer.path_length}", issuer)
    if purpose and not may_issue_for(issuer, purpose):
        yield PathFault("purpose", "a CA is for other purposes", issuer)
    if issuer.name_constraints is None:
        return
    for i, certificate in enumerate(below):
        if i > 0 and certificate.is_self_issued:  # section 6.1.3 (b): but for the last
            continue
        is_too_much = comparison_count(issuer.name_constraints, certificate) > MAX_COMPARISONS
        bad = "more names than we compare" if is_too_much else find_violation(issuer.name_constraints, certificate)
        if bad:
            yield PathFault("nameConstraints", bad, certificate)
