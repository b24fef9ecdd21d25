"""Detached CMS signatures of the level CAdES-B-T (EN 319 122-1 section 6), with one signer and one time stamp."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..asn1 import oids
from ..asn1.reader import UTF8_STRING, DerReader
from ..asn1.time import read_time
from ..checks import Check, complete, run_check
from ..errors import PkiError
from ..x509.certificate import Certificate
from ..x509.trust import TRUST, TrustCheck, ask_trust
from .signed_data import parse_signed_data
from .signer_checks import ONE_SIGNER, SIGNER_CERTIFICATE, SIGNER_CHECKS, CmsSignature, look_for_signer
from .time_stamp import SIGNATURE_TIME_STAMP_CHECKS, StampTrust, verify_signature_time_stamp

MAX_SIGNATURE_OCTETS = 256 * 1024


@dataclass(frozen=True)
class SignatureFindings:
    """What a signature came to, in whichever format."""

    checks: tuple[Check, ...]
    signer: Certificate | None
    signed_at: datetime | None
    """By its time stamp, and only when that is sound and trusted."""

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)


def _find_attached(signature: CmsSignature) -> str | None:
    if signature.signed_data.content_type != oids.DATA:
        return "the content is not id-data"
    return None if signature.signed_data.content is None else "the content is in the message"


def _read_signed(signature: CmsSignature, oid: str, read: Callable[[DerReader], Any]) -> Any:
    """What a signed attribute says; None when it is absent."""
    value = signature.signer_info.attribute_value(oid)
    if value is None:
        return None
    reader = DerReader(value)
    what = read(reader)
    reader.end()
    return what


def _find_no_signing_time(signature: CmsSignature) -> str | None:
    return "it is not said" if _read_signed(signature, oids.SIGNING_TIME, read_time) is None else None


def _mime_type_check(mime_type: str | None) -> Callable[[CmsSignature], str | None]:
    """The attribute mime-type (section 5.2.5) keeps what was signed as one thing from being taken for another."""

    def find_other(signature: CmsSignature) -> str | None:
        said = _read_signed(signature, oids.MIME_TYPE, lambda reader: reader.content(UTF8_STRING).decode("utf-8"))
        return None if said == mime_type else f"it is {said or 'not said'}"

    return find_other


CADES_CHECKS = (
    "well-formed",
    ONE_SIGNER,
    SIGNER_CERTIFICATE,
    *(name for name, _ in SIGNER_CHECKS),
    "detached",
    "signing-time",
    "mime-type",
    *SIGNATURE_TIME_STAMP_CHECKS,
)
"""Names of what is looked at in a signature."""


def verify_cades_signature(
    der: bytes,
    content_digest: Callable[[str], bytes],
    mime_type: str | None,
    trust: TrustCheck,
    stamp: StampTrust,
    certificates: Sequence[Certificate] = (),
) -> SignatureFindings:
    """Looks at everything that makes these octets such a signature. The signer is judged at the time of the time stamp and at no other; the
    signing time that he claims decides nothing. `content_digest` gives the digest of what was signed, by its hash. Raises for nothing
    that the octets hold."""
    try:
        signed_data = parse_signed_data(der, MAX_SIGNATURE_OCTETS)
    except PkiError as error:
        return _findings([Check("well-formed", False, error.message)], None, None)
    who, signature = look_for_signer(signed_data, certificates, content_digest)
    checks = [Check("well-formed", True), *who]
    if signature is None:
        return _findings(checks, None, None)
    baseline = (
        *SIGNER_CHECKS,
        ("detached", _find_attached),
        ("signing-time", _find_no_signing_time),
        ("mime-type", _mime_type_check(mime_type)),
    )
    checks += [run_check(name, find, signature) for name, find in baseline]
    info = signature.signer_info
    tokens = [value for each in info.unsigned_attributes if each.oid == oids.TIME_STAMP_TOKEN for value in each.values]
    stamped, at = verify_signature_time_stamp(tokens, info.signature, stamp)
    checks += stamped
    if at is not None:
        checks += ask_trust(trust, signature.signer, signature.others, at)
    return _findings(checks, signature.signer, at)


def _findings(made: list[Check], signer: Certificate | None, at: datetime | None) -> SignatureFindings:
    names = CADES_CHECKS if at is not None else (*CADES_CHECKS, TRUST)
    return SignatureFindings(tuple(complete(made, names)), signer, at)
