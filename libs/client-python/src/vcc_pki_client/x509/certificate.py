"""A certificate: the octets that names and signatures are compared by, and what `cryptography` reads in its extensions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography import x509

from ..asn1 import oids
from ..asn1.reader import OCTET_STRING, OID, SEQUENCE, DerReader, constructed, primitive
from ..asn1.time import read_generalized_time, read_time
from ..errors import PkiError, malformed
from .algorithms import scheme_of, verify_signature

MAX_CERTIFICATE_OCTETS = 256 * 1024

# How `cryptography` refuses what it cannot read.
LIBRARY_REFUSALS = (
    ValueError,
    TypeError,
    KeyError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)

# KeyUsage of `cryptography`, by the names of RFC 5280 section 4.2.1.3.
_KEY_USAGES = {
    "digitalSignature": "digital_signature",
    "nonRepudiation": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "cRLSign": "crl_sign",
}


@dataclass(frozen=True)
class Names:
    """Alternative names by their form."""

    dns: tuple[str, ...] = ()
    ip: tuple[str, ...] = ()
    uri: tuple[str, ...] = ()
    email: tuple[str, ...] = ()
    directory: tuple[x509.Name, ...] = ()
    others: int = 0


@dataclass(frozen=True)
class UsagePeriod:
    not_before: datetime | None
    not_after: datetime | None


@dataclass(frozen=True, eq=False)
class Certificate:
    """What a certificate says (RFC 5280 section 4.1). Its signature is not verified here: see `is_signed_by`. Times are aware, in UTC."""

    der: bytes
    tbs_der: bytes
    signature: bytes
    signature_algorithm_der: bytes
    version: int
    serial: bytes = field(repr=False)
    """Content octets of the serial number's INTEGER."""
    issuer_der: bytes
    subject_der: bytes
    issuer: x509.Name
    subject: x509.Name
    not_before: datetime
    not_after: datetime
    """The last second in which it is valid."""
    spki_der: bytes
    critical: dict[str, bool]
    """Each extension that is there, dotted, and whether it is critical."""
    values: dict[str, bytes]
    """What each extension's OCTET STRING holds."""
    is_ca: bool
    path_length: int | None
    key_usage: frozenset[str] | None
    extended_key_usages: tuple[str, ...] | None
    names: Names
    subject_key_identifier: bytes | None
    authority_key_identifier: bytes | None
    name_constraints: x509.NameConstraints | None
    policies: tuple[str, ...] | None
    policy_constraints: x509.PolicyConstraints | None
    inhibit_any_policy: int | None
    crl_urls: tuple[str, ...]
    usage_period: UsagePeriod | None

    @property
    def serial_number(self) -> int:
        return int.from_bytes(self.serial, "big")

    @property
    def serial_hex(self) -> str:
        """Lower-case, two digits to an octet, without a sign octet."""
        return (self.serial[1:] if len(self.serial) > 1 and self.serial[0] == 0 else self.serial).hex()

    @property
    def is_self_issued(self) -> bool:
        return self.issuer_der == self.subject_der

    def __str__(self) -> str:
        return self.subject.rfc4514_string()


def is_signed_by(certificate: Certificate, spki_der: bytes) -> bool:
    """True if this key made the certificate's signature. Raises ALGORITHM_NOT_ALLOWED, KEY_WEAK, KEY_NOT_ALLOWED."""
    scheme = scheme_of(certificate.signature_algorithm_der)
    return verify_signature(spki_der, scheme, certificate.tbs_der, certificate.signature)


def parse_certificate(der: bytes) -> Certificate:
    """Reads a certificate in DER. Raises CERTIFICATE_MALFORMED."""
    try:
        return _parse(der)
    except PkiError as error:
        raise PkiError("CERTIFICATE_MALFORMED", f"certificate: {error.message}") from error
    except LIBRARY_REFUSALS as error:
        raise PkiError("CERTIFICATE_MALFORMED", f"certificate: {error}") from error


def _parse(der: bytes) -> Certificate:
    tbs_der, algorithm_der, signature = read_signed(der, MAX_CERTIFICATE_OCTETS)
    raw = DerReader.whole(tbs_der, SEQUENCE, _read_tbs)
    known = x509.load_der_x509_certificate(der)
    if raw["algorithm"] != algorithm_der:
        raise malformed("signature algorithm differs inside and outside")
    extensions = {extension.oid.dotted_string: extension for extension in known.extensions}

    def value(dotted: str) -> Any:
        return extensions[dotted].value if dotted in extensions else None

    constraints = value(oids.BASIC_CONSTRAINTS)
    ski, aki = value("2.5.29.14"), value("2.5.29.35")
    eku, policies, inhibit = value(oids.EXT_KEY_USAGE), value(oids.CERTIFICATE_POLICIES), value(oids.INHIBIT_ANY_POLICY)
    return Certificate(
        der=der,
        tbs_der=tbs_der,
        signature=signature,
        signature_algorithm_der=algorithm_der,
        version=known.version.value + 1,
        serial=raw["serial"],
        issuer_der=raw["issuer"],
        subject_der=raw["subject"],
        issuer=known.issuer,
        subject=known.subject,
        not_before=raw["not_before"],
        not_after=raw["not_after"],
        spki_der=raw["spki"],
        critical={dotted: critical for dotted, critical, _ in raw["extensions"]},
        values={dotted: octets for dotted, _, octets in raw["extensions"]},
        is_ca=bool(constraints and constraints.ca),
        path_length=constraints.path_length if constraints else None,
        key_usage=_key_usage(value(oids.KEY_USAGE)),
        extended_key_usages=tuple(usage.dotted_string for usage in eku) if eku is not None else None,
        names=_names(value(oids.SUBJECT_ALT_NAME)),
        subject_key_identifier=ski.digest if ski else None,
        authority_key_identifier=aki.key_identifier if aki else None,
        name_constraints=value(oids.NAME_CONSTRAINTS),
        policies=tuple(policy.policy_identifier.dotted_string for policy in policies) if policies is not None else None,
        policy_constraints=value(oids.POLICY_CONSTRAINTS),
        inhibit_any_policy=inhibit.skip_certs if inhibit else None,
        crl_urls=_crl_urls(value(oids.CRL_DISTRIBUTION_POINTS)),
        usage_period=_usage_period(raw["extensions"]),
    )


def read_signed(der: bytes, max_octets: int) -> tuple[bytes, bytes, bytes]:
    """SIGNED{…} ::= SEQUENCE { toBeSigned, algorithmIdentifier, signature BIT STRING } (RFC 5280 section 4.1)."""
    return DerReader.whole(
        der,
        SEQUENCE,
        lambda signed: (signed.element(SEQUENCE), read_algorithm_identifier(signed), signed.bit_string_octets()),
        max_octets,
    )


def read_algorithm_identifier(reader: DerReader) -> bytes:
    """AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL }, as it is."""
    der = reader.element(SEQUENCE)
    identifier = DerReader(der).enter(SEQUENCE)
    identifier.oid()
    if not identifier.at_end:
        identifier.skip_checked()
    identifier.end()
    return der


def read_serial(reader: DerReader, max_octets: int = 20) -> bytes:
    """Content octets of a serial number that is not negative (RFC 5280 section 4.1.2.2)."""
    serial = reader.integer()
    if serial[0] >= 0x80 or len(serial) > max_octets:
        raise malformed("serial number is negative or too long")
    return serial


def read_extensions(reader: DerReader, tag: int = SEQUENCE) -> list[tuple[str, bool, bytes]]:
    """Extensions ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING } (RFC 5280
    section 4.1.2.9)."""

    def read(extension: DerReader) -> tuple[str, bool, bytes]:
        return extension.oid(OID), extension.boolean_default_false(), extension.content(OCTET_STRING)

    found = reader.list_of(tag, lambda each: each.within(SEQUENCE, read))
    if len({dotted for dotted, _, _ in found}) != len(found):
        raise malformed("an extension comes twice")
    return found


def _read_tbs(tbs: DerReader) -> dict[str, Any]:
    """TBSCertificate ::= SEQUENCE { version [0] DEFAULT v1, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo,
    issuerUniqueID [1], subjectUniqueID [2], extensions [3] } (RFC 5280 section 4.1.2)"""
    raw: dict[str, Any] = {}
    tbs.optional(constructed(0), lambda version: version.small_integer())
    raw["serial"] = read_serial(tbs)
    raw["algorithm"] = read_algorithm_identifier(tbs)
    raw["issuer"] = tbs.element(SEQUENCE)
    raw["not_before"], raw["not_after"] = tbs.within(SEQUENCE, lambda validity: (read_time(validity), read_time(validity)))
    raw["subject"] = tbs.element(SEQUENCE)
    raw["spki"] = tbs.element(SEQUENCE)
    for tag in (primitive(1), primitive(2)):
        if tbs.next_is(tag):
            tbs.content(tag)
    raw["extensions"] = tbs.optional(constructed(3), read_extensions) or []
    return raw


def _key_usage(usage: x509.KeyUsage | None) -> frozenset[str] | None:
    if usage is None:
        return None
    return frozenset(name for name, attribute in _KEY_USAGES.items() if getattr(usage, attribute))


def _names(names: x509.SubjectAlternativeName | None) -> Names:
    if names is None:
        return Names()

    def of(kind: Any, text: Callable[[Any], Any] = str) -> tuple[Any, ...]:
        return tuple(text(name) for name in names.get_values_for_type(kind))

    found = Names(
        dns=of(x509.DNSName),
        ip=of(x509.IPAddress),
        uri=of(x509.UniformResourceIdentifier),
        email=of(x509.RFC822Name),
        directory=of(x509.DirectoryName, lambda name: name),
    )
    read = len(found.dns) + len(found.ip) + len(found.uri) + len(found.email) + len(found.directory)
    return Names(found.dns, found.ip, found.uri, found.email, found.directory, len(list(names)) - read)


def _crl_urls(points: x509.CRLDistributionPoints | None) -> tuple[str, ...]:
    return tuple(
        name.value for point in points or () for name in point.full_name or () if isinstance(name, x509.UniformResourceIdentifier)
    )


def _usage_period(extensions: list[tuple[str, bool, bytes]]) -> UsagePeriod | None:
    """PrivateKeyUsagePeriod ::= SEQUENCE { notBefore [0] GeneralizedTime OPTIONAL, notAfter [1] GeneralizedTime OPTIONAL } (RFC 3280
    section 4.2.1.4)"""
    der = next((octets for dotted, _, octets in extensions if dotted == oids.PRIVATE_KEY_USAGE_PERIOD), None)
    if der is None:
        return None

    def read(period: DerReader) -> UsagePeriod:
        times = [read_generalized_time(period, tag) if period.next_is(tag) else None for tag in (primitive(0), primitive(1))]
        return UsagePeriod(times[0], times[1])

    return DerReader.whole(der, SEQUENCE, read)
