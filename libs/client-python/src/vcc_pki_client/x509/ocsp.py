"""OCSP responses, and what one says about a certificate (RFC 6960)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..asn1 import oids
from ..asn1.reader import ENUMERATED, SEQUENCE, DerReader, constructed, primitive
from ..asn1.time import read_generalized_time
from ..asn1.writer import algorithm_identifier
from ..errors import PkiError, malformed
from .algorithms import check_public_key, key_identifier, scheme_of, verify_signature
from .certificate import Certificate, is_signed_by, parse_certificate, read_algorithm_identifier, read_extensions, read_serial
from .revocation_statement import Revocation, Statement

MAX_RESPONSE_OCTETS = 512 * 1024
CLOCK_SKEW = timedelta(minutes=5)

_BASIC = "1.3.6.1.5.5.7.48.1.1"
_NONCE, _ARCHIVE_CUTOFF, _EXTENDED_REVOKE = "1.3.6.1.5.5.7.48.1.2", "1.3.6.1.5.5.7.48.1.6", "1.3.6.1.5.5.7.48.1.9"

# Hashes by which an issuer is named: SHA-1 is what old clients send; it protects nothing here.
_CERT_ID_HASHES = {
    algorithm_identifier(dotted, null): name
    for name, dotted in (("sha1", oids.SHA1), ("sha256", oids.SHA256))
    for null in (True, False)
}
# Extensions of a responder's certificate that may be critical: what is read of it, or in it.
_KNOWN_EXTENSIONS = {
    oids.KEY_USAGE,
    oids.SUBJECT_ALT_NAME,
    oids.BASIC_CONSTRAINTS,
    oids.CRL_DISTRIBUTION_POINTS,
    oids.CERTIFICATE_POLICIES,
    oids.EXT_KEY_USAGE,
    oids.OCSP_NO_CHECK,
    oids.NO_REV_AVAIL,
}
# CRLReason by number (RFC 5280 section 5.3.1); 7 is not used.
_REASONS = {
    0: "unspecified",
    1: "keyCompromise",
    2: "cACompromise",
    3: "affiliationChanged",
    4: "superseded",
    5: "cessationOfOperation",
    6: "certificateHold",
    8: "removeFromCRL",
    9: "privilegeWithdrawn",
    10: "aACompromise",
}


@dataclass(frozen=True)
class SingleResponse:
    hash: str | None
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial: bytes
    status: str
    """good, revoked or unknown."""
    revocation: Revocation | None
    this_update: datetime
    next_update: datetime | None
    archive_cutoff: datetime | None


@dataclass(frozen=True)
class OcspResponse:
    """A successful answer, whose signature is not verified yet."""

    tbs_der: bytes
    signature_algorithm_der: bytes
    signature: bytes
    responder_name_der: bytes | None
    responder_key_hash: bytes | None
    produced_at: datetime
    responses: tuple[SingleResponse, ...]
    certificates: tuple[Certificate, ...]


def parse_ocsp_response(der: bytes) -> OcspResponse:
    """OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED, responseBytes [0] SEQUENCE { responseType, response OCTET STRING } OPTIONAL }
    (RFC 6960 section 4.2.1). Raises DER_MALFORMED, CERTIFICATE_MALFORMED, STATUS_NOT_PROVEN for an answer that is an error."""

    def read(response: DerReader) -> OcspResponse:
        status = response.small_integer(ENUMERATED)
        if status != 0:
            raise PkiError("STATUS_NOT_PROVEN", f"the responder answers with error {status}")
        return response.within(constructed(0), lambda field: field.within(SEQUENCE, read_bytes))

    def read_bytes(octets: DerReader) -> OcspResponse:
        if octets.oid() != _BASIC:
            raise malformed("response type is not id-pkix-ocsp-basic")
        return DerReader.whole(octets.octet_string(), SEQUENCE, _read_basic)

    return DerReader.whole(der, SEQUENCE, read, MAX_RESPONSE_OCTETS)


def _read_basic(basic: DerReader) -> OcspResponse:
    """BasicOCSPResponse ::= SEQUENCE { tbsResponseData, signatureAlgorithm, signature BIT STRING, certs [0] OPTIONAL };
    ResponseData ::= SEQUENCE { version [0] DEFAULT v1, responderID, producedAt, responses, responseExtensions [1] OPTIONAL }"""
    tbs_der = basic.element(SEQUENCE)
    algorithm_der = read_algorithm_identifier(basic)
    signature = basic.bit_string_octets()
    certificates = basic.optional(
        constructed(0), lambda f: f.list_of(SEQUENCE, lambda each: parse_certificate(each.element(SEQUENCE)), 0)
    )
    data = DerReader(tbs_der).enter(SEQUENCE)
    name = data.optional(constructed(1), lambda field: field.element(SEQUENCE))
    key_hash = None if name is not None else data.within(constructed(2), lambda field: field.octet_string())
    produced_at = read_generalized_time(data)
    responses = data.list_of(SEQUENCE, lambda each: each.within(SEQUENCE, _read_single))
    _refuse_unknown(data.optional(constructed(1), read_extensions) or [], (_NONCE, _EXTENDED_REVOKE))
    data.end()
    return OcspResponse(
        tbs_der, algorithm_der, signature, name, key_hash, produced_at, tuple(responses), tuple(certificates or ())
    )


def _read_single(single: DerReader) -> SingleResponse:
    """SingleResponse ::= SEQUENCE { certID, certStatus, thisUpdate, nextUpdate [0] OPTIONAL, singleExtensions [1] OPTIONAL };
    CertID ::= SEQUENCE { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber }"""
    algorithm, name_hash, key_hash, serial = single.within(
        SEQUENCE, lambda i: (read_algorithm_identifier(i), i.octet_string(), i.octet_string(), read_serial(i))
    )
    status, revocation = _read_status(single)
    this_update = read_generalized_time(single)
    next_update = single.optional(constructed(0), read_generalized_time)
    extensions = single.optional(constructed(1), read_extensions) or []
    _refuse_unknown(extensions, (_ARCHIVE_CUTOFF,))
    cutoff = next(
        (read_generalized_time(DerReader(octets)) for dotted, _, octets in extensions if dotted == _ARCHIVE_CUTOFF), None
    )
    return SingleResponse(
        _CERT_ID_HASHES.get(algorithm), name_hash, key_hash, serial, status, revocation, this_update, next_update, cutoff
    )


def _read_status(single: DerReader) -> tuple[str, Revocation | None]:
    """CertStatus ::= CHOICE { good [0] NULL, revoked [1] SEQUENCE { revocationTime, revocationReason [0] OPTIONAL }, unknown [2] NULL }"""

    def read_revoked(info: DerReader) -> Revocation:
        time = read_generalized_time(info)
        number = info.optional(constructed(0), lambda field: field.small_integer(ENUMERATED)) or 0
        if number not in _REASONS:
            raise malformed("no such revocation reason")
        return Revocation(time, _REASONS[number])

    revoked = single.optional(constructed(1), read_revoked)
    if revoked is not None:
        return ("revoked", revoked)
    is_good = single.next_is(primitive(0))
    if single.content(primitive(0 if is_good else 2)):
        raise malformed("NULL with content")
    return ("good" if is_good else "unknown", None)


def _refuse_unknown(extensions: list[tuple[str, bool, bytes]], understood: tuple[str, ...]) -> None:
    for dotted, critical, _ in extensions:
        if critical and dotted not in understood:
            raise malformed(f"unknown critical extension {dotted}")


def ocsp_statement(
    response: OcspResponse,
    certificate: Certificate,
    issuer: Certificate,
    is_good: Callable[[Certificate, datetime], bool],
) -> Statement | None:
    """What a response says about a certificate; None when it proves nothing, or says "unknown". It is looked at as of when it was made,
    since the responder's certificate is short-lived and the question may come years later. `is_good`: whether a responder for which its
    issuer does not vouch (id-pkix-ocsp-nocheck) was good at a time."""
    at = response.produced_at
    try:
        responder = _find_responder(response, issuer, at)
        single = _find_answer(response, issuer, certificate.serial)
        if responder is None or single is None or not _is_timely(single, at):
            return None
        check_public_key(responder.spki_der)
    except PkiError:
        return None
    if single.status == "unknown":
        return None
    has_kept = single.this_update <= certificate.not_after or (
        single.archive_cutoff is not None and single.archive_cutoff <= certificate.not_after
    )
    is_vouched = responder is issuer or oids.OCSP_NO_CHECK in responder.critical or is_good(responder, at)
    return Statement(single.this_update, single.next_update, single.revocation, has_kept and is_vouched)


def _find_responder(response: OcspResponse, issuer: Certificate, at: datetime) -> Certificate | None:
    """Names alone decide nothing: of those that carry the responder's, the one whose key made the signature."""
    scheme = scheme_of(response.signature_algorithm_der)
    for candidate in (issuer, *response.certificates):
        is_named = (
            candidate.subject_der == response.responder_name_der
            if response.responder_name_der is not None
            else key_identifier(candidate.spki_der) == response.responder_key_hash
        )
        if not is_named or not (candidate is issuer or _is_delegate(candidate, issuer, at)):
            continue
        if verify_signature(candidate.spki_der, scheme, response.tbs_der, response.signature):
            return candidate
    return None


def _is_delegate(candidate: Certificate, issuer: Certificate, at: datetime) -> bool:
    """A responder that this CA itself certified for the purpose (section 4.2.2.2); a chain in between is not accepted."""
    usages = candidate.key_usage
    return (
        candidate.issuer_der == issuer.subject_der
        and oids.OCSP_SIGNING in (candidate.extended_key_usages or ())
        and (usages is None or "digitalSignature" in usages)
        and candidate.not_before <= at <= candidate.not_after
        and all(not critical or dotted in _KNOWN_EXTENSIONS for dotted, critical in candidate.critical.items())
        and is_signed_by(candidate, issuer.spki_der)
    )


def _find_answer(response: OcspResponse, issuer: Certificate, serial: bytes) -> SingleResponse | None:
    """Several answers about one certificate, by different hashes, should agree; if they do not, "revoked" is safe."""

    def is_about(single: SingleResponse) -> bool:
        if single.hash is None or single.serial != serial:
            return False
        name_hash = hashlib.new(single.hash, issuer.subject_der).digest()
        return single.issuer_name_hash == name_hash and single.issuer_key_hash == key_identifier(issuer.spki_der, single.hash)

    answers = [single for single in response.responses if is_about(single)]
    return next((single for single in answers if single.status == "revoked"), answers[0] if answers else None)


def _is_timely(single: SingleResponse, at: datetime) -> bool:
    """Section 4.2.2.1. Without nextUpdate there is no telling how old an answer may be; RFC 9919 insists on it."""
    if single.this_update > at + CLOCK_SKEW or single.next_update is None:
        return False
    return single.next_update >= at - CLOCK_SKEW
