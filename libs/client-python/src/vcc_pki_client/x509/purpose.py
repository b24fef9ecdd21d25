"""What a certificate is for (RFC 5280 section 4.2.1.12)."""

from __future__ import annotations

from dataclasses import dataclass

from ..asn1 import oids
from .certificate import Certificate


@dataclass(frozen=True)
class _Purpose:
    key_usages: frozenset[str]
    """keyUsage, where present, has at least one of these."""
    is_stated: bool = False
    """The end entity says that it is for this: saying nothing, or anyExtendedKeyUsage, is not enough. Nor is it a CA."""
    is_sole: bool = False
    """extKeyUsage is critical and holds nothing else, keyUsage nothing but the above (RFC 3161 section 2.3)."""


_SIGNING = frozenset({"digitalSignature", "nonRepudiation"})
_PURPOSES = {
    oids.SERVER_AUTH: _Purpose(frozenset({"digitalSignature", "keyEncipherment", "keyAgreement"})),
    oids.CLIENT_AUTH: _Purpose(frozenset({"digitalSignature", "keyAgreement"})),
    oids.CODE_SIGNING: _Purpose(frozenset({"digitalSignature"}), is_stated=True),
    oids.TIME_STAMPING: _Purpose(_SIGNING, is_stated=True, is_sole=True),
    oids.OCSP_SIGNING: _Purpose(_SIGNING, is_stated=True),
}


def find_purpose_fault(certificate: Certificate, purpose: str) -> str | None:
    """What keeps an end entity from this purpose, which is an object identifier of extKeyUsage; None: nothing."""
    row = _PURPOSES.get(purpose, _Purpose(frozenset()))
    usages, stated = certificate.key_usage, certificate.extended_key_usages
    if row.is_stated and stated is None:
        return "does not say that it is for this purpose"
    if row.is_stated and certificate.is_ca:
        return "a CA is not for this purpose"
    if not _admits(stated, purpose):
        return "is for other purposes"
    if usages is not None and row.key_usages and not usages & row.key_usages:
        return "keyUsage does not fit"
    if not row.is_sole:
        return None
    if stated is None or len(stated) != 1:
        return "is for other purposes, too"
    if not certificate.critical.get(oids.EXT_KEY_USAGE):
        return "extKeyUsage is not critical"
    return "keyUsage allows more than signing" if usages and usages - row.key_usages else None


def may_issue_for(certificate: Certificate, purpose: str) -> bool:
    """True if a CA with these key purposes may issue for this one. By custom, not by RFC 5280, extKeyUsage of a CA limits what is below
    it; not its own OCSP responder (RFC 6960 section 4.2.2.2)."""
    return purpose == oids.OCSP_SIGNING or _admits(certificate.extended_key_usages, purpose)


def _admits(stated: tuple[str, ...] | None, purpose: str) -> bool:
    if stated is None or purpose in stated:
        return True
    row = _PURPOSES.get(purpose)
    return oids.ANY_EXTENDED_KEY_USAGE in stated and not (row and row.is_stated)
