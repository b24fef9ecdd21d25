"""Certificate revocation lists, and what one says about a certificate (RFC 5280 sections 5 and 6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from cryptography import x509

from ..asn1 import oids
from ..asn1.reader import GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME, DerReader, constructed
from ..asn1.time import read_generalized_time, read_time
from ..errors import PkiError, malformed
from .algorithms import scheme_of, verify_signature
from .certificate import LIBRARY_REFUSALS, Certificate, read_algorithm_identifier, read_extensions, read_signed
from .revocation_statement import Revocation, Statement

MAX_CRL_OCTETS = 256 * 1024 * 1024

# Critical extensions that are acted on, of a list (section 5.2) and of an entry (section 5.3).
_UNDERSTOOD = {oids.ISSUING_DISTRIBUTION_POINT, oids.DELTA_CRL_INDICATOR}
_UNDERSTOOD_OF_ENTRY = {"2.5.29.21", "2.5.29.24"}
_CRL_NUMBER = "2.5.29.20"

# CRLReason by the names of RFC 5280 section 5.3.1, from those of `cryptography`.
_REASONS = {"aa_compromise": "aACompromise", "ca_compromise": "cACompromise", "remove_from_crl": "removeFromCRL"}


@dataclass(frozen=True, eq=False)
class CertificateList:
    """A list whose signature is not verified yet. Times are aware, in UTC."""

    der: bytes
    tbs_der: bytes
    signature: bytes
    signature_algorithm_der: bytes
    version: int
    issuer_der: bytes
    this_update: datetime
    next_update: datetime | None
    critical: dict[str, bool]
    values: dict[str, bytes]
    known: x509.CertificateRevocationList

    def is_signed_by(self, issuer: Certificate) -> bool:
        try:
            return verify_signature(issuer.spki_der, scheme_of(self.signature_algorithm_der), self.tbs_der, self.signature)
        except PkiError:  # a key or an algorithm that is refused proves as little as a wrong one
            return False

    def find_revocation(self, serial_number: int) -> Revocation | None:
        entry = self.known.get_revoked_certificate_by_serial_number(serial_number)
        if entry is None:
            return None
        reason, invalid_since = "unspecified", None
        for extension in entry.extensions:
            if isinstance(extension.value, x509.CRLReason):
                reason = extension.value.reason.name
            elif isinstance(extension.value, x509.InvalidityDate):
                invalid_since = utc(extension.value, "invalidity_date")
        return Revocation(utc(entry, "revocation_date"), reason_name(reason), invalid_since)


def reason_name(name: str) -> str:
    """A revocation reason of `cryptography` in the words of the standard: "key_compromise" to "keyCompromise"."""
    head, *tail = name.split("_")
    return _REASONS.get(name) or head + "".join(part.capitalize() for part in tail)


def utc(value: Any, name: str) -> Any:
    """A time of `cryptography`, aware. Its releases before 42 give naive times in UTC, and later ones call those deprecated."""
    aware = getattr(value, f"{name}_utc", None)
    return aware if aware is not None else getattr(value, name).replace(tzinfo=timezone.utc)


def parse_certificate_list(der: bytes) -> CertificateList:
    """Reads a list in DER, all of it. Raises CRL_MALFORMED."""
    try:
        return _parse(der)
    except (PkiError, *LIBRARY_REFUSALS) as error:
        raise PkiError("CRL_MALFORMED", f"CRL: {error}") from error


def _parse(der: bytes) -> CertificateList:
    tbs_der, algorithm_der, signature = read_signed(der, MAX_CRL_OCTETS)
    known = x509.load_der_x509_crl(der)
    head = DerReader.whole(tbs_der, SEQUENCE, _read_head)
    if head["algorithm"] != algorithm_der:
        raise malformed("signature algorithm differs inside and outside")
    list(known.extensions)  # read here, so that asking later cannot fail
    for entry in known:
        for extension in entry.extensions:
            # Section 5.3: such a list must not be used to determine the status of any certificate.
            if extension.critical and extension.oid.dotted_string not in _UNDERSTOOD_OF_ENTRY:
                raise malformed(f"unknown critical entry extension {extension.oid.dotted_string}")
    return CertificateList(
        der=der,
        tbs_der=tbs_der,
        signature=signature,
        signature_algorithm_der=algorithm_der,
        version=head["version"],
        issuer_der=head["issuer"],
        this_update=head["this_update"],
        next_update=head["next_update"],
        critical={dotted: critical for dotted, critical, _ in head["extensions"]},
        values={dotted: octets for dotted, _, octets in head["extensions"]},
        known=known,
    )


def _read_head(tbs: DerReader) -> dict[str, Any]:
    """TBSCertList ::= SEQUENCE { version OPTIONAL, signature, issuer, thisUpdate, nextUpdate OPTIONAL, revokedCertificates OPTIONAL,
    crlExtensions [0] OPTIONAL } (RFC 5280 section 5.1.2)"""
    head: dict[str, Any] = {"version": tbs.small_integer() + 1 if tbs.next_is(INTEGER) else 1}
    head["algorithm"] = read_algorithm_identifier(tbs)
    head["issuer"] = tbs.element(SEQUENCE)
    head["this_update"] = read_time(tbs)
    has_next = tbs.next_is(UTC_TIME) or tbs.next_is(GENERALIZED_TIME)
    head["next_update"] = read_time(tbs) if has_next else None
    if tbs.next_is(SEQUENCE):
        tbs.element()
    head["extensions"] = tbs.optional(constructed(0), read_extensions) or []
    return head


def crl_statement(crl: CertificateList, certificate: Certificate, issuer: Certificate) -> Statement | None:
    """What a list says about a certificate; None when it is not the issuer's, or for other things (section 6.3.3). Lists by someone else
    than the issuer's own key (indirect CRLs) do not count."""
    point = _distribution_point(crl)
    if point and (point.indirect_crl or point.only_contains_attribute_certs):
        return None
    if any(critical and dotted not in _UNDERSTOOD for dotted, critical in crl.critical.items()):
        return None
    if not crl.issuer_der == certificate.issuer_der == issuer.subject_der:
        return None
    if issuer.key_usage is not None and "cRLSign" not in issuer.key_usage:
        return None
    if not crl.is_signed_by(issuer):
        return None
    entry = crl.find_revocation(certificate.serial_number)
    # A hold that a delta releases stays one until the next full list: deltas are heard when they revoke, never when they clear.
    revocation = None if entry is None or entry.reason == "removeFromCRL" else entry
    return Statement(crl.this_update, crl.next_update, revocation, _is_complete(crl, certificate, point))


def _distribution_point(crl: CertificateList) -> x509.IssuingDistributionPoint | None:
    if oids.ISSUING_DISTRIBUTION_POINT not in crl.values:
        return None
    return crl.known.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value


def _is_complete(crl: CertificateList, certificate: Certificate, point: x509.IssuingDistributionPoint | None) -> bool:
    """Whether all revocations of certificates like this one are on the list."""
    # Sections 5.1.2.1, 5.1.2.5 and 5.2.3: a conforming CA leaves none of these out.
    if oids.DELTA_CRL_INDICATOR in crl.values or crl.version != 2 or _CRL_NUMBER not in crl.values or crl.next_update is None:
        return False
    if point is not None:  # section 5.2.5: about certificates that name it, by a URL
        if point.only_some_reasons or (point.only_contains_user_certs if certificate.is_ca else point.only_contains_ca_certs):
            return False
        is_named = point.full_name is not None or point.relative_name is not None
        urls = [n.value for n in point.full_name or () if isinstance(n, x509.UniformResourceIdentifier)]
        if is_named and not any(url in certificate.crl_urls for url in urls):
            return False
    if crl.this_update <= certificate.not_after:
        return True
    # Expired certificates leave the list (section 5), unless it says since when it keeps them (X.509 section 9.5.2.8).
    kept = crl.values.get(oids.EXPIRED_CERTS_ON_CRL)
    return kept is not None and read_generalized_time(DerReader(kept)) <= certificate.not_after
