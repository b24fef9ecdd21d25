"""Time stamps: a signed statement that a digest was there at a time (RFC 3161, RFC 5816)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..asn1 import oids
from ..asn1.reader import INTEGER, SEQUENCE, DerReader, constructed, primitive
from ..asn1.time import read_fractional_time
from ..checks import Check, complete, faults_text, run_check
from ..errors import PkiError, malformed
from ..x509.algorithms import digest, hash_algorithm_of
from ..x509.certificate import Certificate, read_algorithm_identifier, read_extensions, read_serial
from ..x509.trust import TRUST, TrustCheck, ask_trust
from .signed_data import SignedData, parse_signed_data
from .signer_checks import ONE_SIGNER, SIGNER_CERTIFICATE, SIGNER_CHECKS, CmsSignature, look_for_signer

MAX_TOKEN_OCTETS = 64 * 1024
_MAX_RESPONSE_OCTETS = 72 * 1024
# Up to 160 bits (RFC 3161 section 2.4.2), and a sign octet.
_MAX_SERIAL_OCTETS = 21


@dataclass(frozen=True)
class TstInfo:
    """What a time stamp says, true or not."""

    policy: str
    """Dotted."""
    hash: str | None
    """None: a hash that is not accepted."""
    digest: bytes
    serial_number: int
    gen_time: datetime
    accuracy: timedelta
    """Largest deviation of `gen_time` from UTC, as it is said; zero when it is not."""
    nonce: int | None
    tsa: tuple[str, bytes | str] | None
    """The authority's name as it gives it: its form, and its text, or DER of a directory name."""
    critical_extensions: tuple[str, ...]


@dataclass(frozen=True)
class TimeStampQuestion:
    """What a time stamp must be about, and who may have made it."""

    hash: str
    digest: bytes
    trust: TrustCheck
    nonce: int | None = None
    """The request's: then the token must repeat it."""
    policies: Sequence[str] | None = None
    """Dotted; the token's must be one of them. None: any."""
    certificates: Sequence[Certificate] = ()
    """Certificates beside those in the token, which may carry none."""


@dataclass(frozen=True)
class TimeStampVerification:
    checks: tuple[Check, ...]
    """In a fixed order, each of TIME_STAMP_CHECKS and then those of trust."""
    tst_info: TstInfo | None
    signer: Certificate | None

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)


def parse_time_stamp_token(der: bytes) -> tuple[SignedData, TstInfo]:
    """A TimeStampToken ::= ContentInfo with SignedData around a TSTInfo (section 2.4.2). Nothing in it is proven. Raises DER_MALFORMED,
    CERTIFICATE_MALFORMED."""
    signed_data = parse_signed_data(der, MAX_TOKEN_OCTETS)
    if signed_data.content_type != oids.TST_INFO:
        raise malformed("content is not id-ct-TSTInfo")
    if signed_data.content is None:
        raise malformed("content is missing")
    return signed_data, DerReader.whole(signed_data.content, SEQUENCE, _read_tst_info)


def token_of(response_der: bytes) -> bytes:
    """The token of a TimeStampResp ::= SEQUENCE { status SEQUENCE { status INTEGER, … }, timeStampToken OPTIONAL } (RFC 3161 section 2.4.2): status
    0 is granted, 1 granted with changes. Raises TIMESTAMP_REFUSED for any other, DER_MALFORMED."""

    def read(response: DerReader) -> tuple[int, bytes | None]:
        info = response.enter(SEQUENCE)
        status = info.small_integer(INTEGER)
        while not info.at_end:
            info.skip_checked()
        return status, None if response.at_end else response.element(SEQUENCE)

    status, token = DerReader.whole(response_der, SEQUENCE, read, _MAX_RESPONSE_OCTETS)
    if status not in (0, 1) or token is None:
        raise PkiError("TIMESTAMP_REFUSED", f"the time-stamping authority answers with status {status}", {"status": status})
    return token


def _read_tst_info(reader: DerReader) -> TstInfo:
    """TSTInfo ::= SEQUENCE { version INTEGER { v1(1) }, policy, messageImprint SEQUENCE { hashAlgorithm, hashedMessage }, serialNumber, genTime,
    accuracy OPTIONAL, ordering BOOLEAN DEFAULT FALSE, nonce INTEGER OPTIONAL, tsa [0] EXPLICIT GeneralName OPTIONAL, extensions [1] IMPLICIT
    OPTIONAL }"""
    if reader.small_integer() != 1:
        raise malformed("TSTInfo is not of version 1")
    policy = reader.oid()
    algorithm, hashed = reader.within(SEQUENCE, lambda i: (read_algorithm_identifier(i), i.octet_string()))
    serial = read_serial(reader, _MAX_SERIAL_OCTETS)
    gen_time = read_fractional_time(reader)
    accuracy = reader.optional(SEQUENCE, _read_accuracy) or timedelta()
    reader.boolean_default_false()
    nonce = int.from_bytes(reader.integer(), "big", signed=True) if reader.next_is(INTEGER) else None
    tsa = reader.optional(constructed(0), _read_general_name)
    extensions = read_extensions(reader, constructed(1)) if reader.next_is(constructed(1)) else []
    critical = tuple(dotted for dotted, is_critical, _ in extensions if is_critical)
    serial_number = int.from_bytes(serial, "big")
    return TstInfo(policy, hash_algorithm_of(algorithm), hashed, serial_number, gen_time, accuracy, nonce, tsa, critical)


def _read_accuracy(reader: DerReader) -> timedelta:
    """Accuracy ::= SEQUENCE { seconds INTEGER OPTIONAL, millis [0] INTEGER (1..999) OPTIONAL, micros [1] INTEGER (1..999) OPTIONAL }"""
    seconds = reader.small_integer() if reader.next_is(INTEGER) else 0
    parts = [0, 0]
    for number in (0, 1):
        if reader.next_is(primitive(number)):
            parts[number] = reader.small_integer(primitive(number))
            if not 1 <= parts[number] <= 999:
                raise malformed("part of the accuracy is not 1 to 999")
    return timedelta(seconds=seconds, milliseconds=parts[0], microseconds=parts[1])


def _read_general_name(reader: DerReader) -> tuple[str, bytes | str]:
    """GeneralName (RFC 5280 section 4.2.1.6)."""
    for number, form in ((1, "email"), (2, "dns"), (6, "uri")):
        if reader.next_is(primitive(number)):
            return form, reader.content(primitive(number)).decode("ascii", "replace")
    if reader.next_is(primitive(7)):
        octets = reader.content(primitive(7))
        if len(octets) not in (4, 16):
            raise malformed("iPAddress is not 4 or 16 octets")
        return "ip", str(ipaddress.ip_address(octets))
    if reader.next_is(constructed(4)):
        return "directory", reader.within(constructed(4), lambda name: name.element(SEQUENCE))
    reader.skip_checked()
    return "other", b""


@dataclass(frozen=True)
class _Subject:
    signature: CmsSignature
    tst_info: TstInfo
    question: TimeStampQuestion


def find_unit_fault(certificate: Certificate) -> str | None:
    """What keeps a certificate from being a time-stamping unit's: extendedKeyUsage is there, critical, and timeStamping is all that it has
    (section 2.3); key usages, if said, are for signatures alone; it is no CA."""
    if certificate.extended_key_usages != (oids.TIME_STAMPING,):
        return "extended key usage is not timeStamping alone"
    if not certificate.critical.get(oids.EXT_KEY_USAGE):
        return "extended key usage is not critical"
    if certificate.is_ca:
        return "it is a CA's"
    other = (certificate.key_usage or frozenset()) - {"digitalSignature", "nonRepudiation"}
    return "its key is for more than signatures" if other else None


def _find_untimely(subject: _Subject) -> str | None:
    """The time is inside the certificate's validity, whose last second counts, and inside privateKeyUsagePeriod if that is said."""
    certificate, at = subject.signature.signer, subject.tst_info.gen_time
    period = certificate.usage_period

    def is_inside(start: datetime | None, end: datetime | None) -> bool:
        return (start is None or start <= at) and (end is None or at < end + timedelta(seconds=1))

    if not is_inside(certificate.not_before, certificate.not_after):
        return "the certificate is not valid at this time"
    is_usable = period is None or is_inside(period.not_before, period.not_after)
    return None if is_usable else "the key is not to be used at this time"


def _find_other_imprint(subject: _Subject) -> str | None:
    if subject.tst_info.hash != subject.question.hash:
        return f"the digest is not of {subject.question.hash}"
    return None if subject.tst_info.digest == subject.question.digest else "something else was stamped"


def _find_other_nonce(subject: _Subject) -> str | None:
    """A nonce that was not asked for does no harm."""
    asked, nonce = subject.question.nonce, subject.tst_info.nonce
    if asked is None or nonce == asked:
        return None
    return "the request's is missing" if nonce is None else "it is not the request's"


def _find_other_policy(subject: _Subject) -> str | None:
    policies, policy = subject.question.policies, subject.tst_info.policy
    return None if policies is None or policy in policies else f"it is under policy {policy}"


def _find_other_name(subject: _Subject) -> str | None:
    """The name, where there is one, is among those of the signer's certificate (section 2.4.2)."""
    if subject.tst_info.tsa is None:
        return None
    form, name = subject.tst_info.tsa
    signer = subject.signature.signer
    own: Sequence[object] = getattr(signer.names, form, ()) if form != "other" else ()
    if form == "directory":
        own = [signer.subject_der, *(each.public_bytes() for each in signer.names.directory)]
    return None if name in own else "the signer's certificate does not have the name that the token gives"


def _find_unknown_extension(subject: _Subject) -> str | None:
    critical = subject.tst_info.critical_extensions
    return f"extension {critical[0]} is critical and not known" if critical else None


def _of_signature(find: Callable[[CmsSignature], str | None]) -> Callable[[_Subject], str | None]:
    return lambda subject: find(subject.signature)


_TOKEN_CHECKS: tuple[tuple[str, Callable[[_Subject], str | None]], ...] = (
    *((name, _of_signature(find)) for name, find in SIGNER_CHECKS),
    ("unit-certificate", lambda subject: find_unit_fault(subject.signature.signer)),
    ("signing-time", _find_untimely),
    ("message-imprint", _find_other_imprint),
    ("nonce", _find_other_nonce),
    ("policy", _find_other_policy),
    ("tsa-name", _find_other_name),
    ("extensions", _find_unknown_extension),
)

TIME_STAMP_CHECKS = ("well-formed", ONE_SIGNER, SIGNER_CERTIFICATE, *(name for name, _ in _TOKEN_CHECKS))
"""Names of what is looked at in a token."""


def verify_time_stamp_token(der: bytes, question: TimeStampQuestion) -> TimeStampVerification:
    """Looks at everything that makes a token a time stamp about what is asked. Raises for nothing that the octets hold: what is no token
    fails the first check, and a check that cannot be made does not hold."""
    try:
        signed_data, tst_info = parse_time_stamp_token(der)
    except PkiError as error:
        return _unread([Check("well-formed", False, error.message)], None)
    content = signed_data.content or b""
    who, signature = look_for_signer(signed_data, question.certificates, lambda algorithm: digest(algorithm, content))
    checks = [Check("well-formed", True), *who]
    if signature is None:
        return _unread(checks, tst_info)
    subject = _Subject(signature, tst_info, question)
    checks += [run_check(name, find, subject) for name, find in _TOKEN_CHECKS]
    checks += ask_trust(question.trust, signature.signer, signature.others, tst_info.gen_time)
    return TimeStampVerification(tuple(checks), tst_info, signature.signer)


def _unread(checks: list[Check], tst_info: TstInfo | None) -> TimeStampVerification:
    return TimeStampVerification(tuple(complete(checks, (*TIME_STAMP_CHECKS, TRUST))), tst_info, None)


@dataclass(frozen=True)
class StampTrust:
    """Whose time stamps count, and under which policies."""

    trust: TrustCheck
    policies: Sequence[str] | None = None
    certificates: Sequence[Certificate] = ()


SIGNATURE_TIME_STAMP_CHECKS = ("time-stamp-present", "time-stamp", "time-stamp-binds-signature", "time-stamp-trust")
"""Names of what is looked at in the time stamp of a signature."""


def verify_signature_time_stamp(tokens: Sequence[bytes], signature: bytes, by: StampTrust) -> tuple[list[Check], datetime | None]:
    """Looks at the one time stamp of a signature: a token over the octets of the signature value, under any hash that is accepted. Where
    there are none, or several to choose from, it is not taken for stamped. The time is there only when every check holds."""
    present, stamp, binds, trusted = SIGNATURE_TIME_STAMP_CHECKS
    if len(tokens) != 1:
        return [Check(present, False, f"there are {len(tokens)}")], None
    try:
        algorithm = parse_time_stamp_token(tokens[0])[1].hash or "sha256"
    except PkiError:
        algorithm = "sha256"
    question = TimeStampQuestion(algorithm, digest(algorithm, signature), by.trust, None, by.policies, by.certificates)
    verification = verify_time_stamp_token(tokens[0], question)

    def part(name: str, is_ours: Callable[[str], bool]) -> Check:
        faults = faults_text(check for check in verification.checks if is_ours(check.name))
        return Check(name, faults == "", faults or None)

    checks = [
        Check(present, True),
        part(stamp, lambda name: name in TIME_STAMP_CHECKS and name != "message-imprint"),
        part(binds, lambda name: name == "message-imprint"),
        part(trusted, lambda name: name not in TIME_STAMP_CHECKS),
    ]
    return checks, verification.tst_info.gen_time if verification.ok and verification.tst_info else None
