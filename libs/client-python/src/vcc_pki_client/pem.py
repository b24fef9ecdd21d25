"""PEM (RFC 7468): blocks by their label, certificates and lists among them."""

from __future__ import annotations

import base64
import binascii
import re

from .errors import PkiError
from .x509.certificate import Certificate, parse_certificate
from .x509.crl import CertificateList, parse_certificate_list

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s*([A-Za-z0-9+/=\s]+?)-----END \1-----[ \t]*\r?\n?")


def pem_blocks(octets: bytes) -> dict[str, list[bytes]]:
    """Blocks by their label, as they stand there; what is between them is passed over."""
    blocks: dict[str, list[bytes]] = {}
    for match in _BLOCK.finditer(octets):
        blocks.setdefault(match[1].decode(), []).append(match[0])
    return blocks


def pem_ders(octets: bytes, label: str) -> list[bytes]:
    """What the blocks with this label hold. Raises CERTIFICATE_MALFORMED for what is no base64."""
    try:
        return [
            base64.b64decode(b"".join(m[2].split()), validate=True) for m in _BLOCK.finditer(octets) if m[1] == label.encode()
        ]
    except binascii.Error as error:
        raise PkiError("CERTIFICATE_MALFORMED", f"PEM: {error}") from error


def certificates_in(octets: bytes) -> list[Certificate]:
    """The certificates of a PEM file, in its order. Raises CERTIFICATE_MALFORMED."""
    return [parse_certificate(der) for der in pem_ders(octets, "CERTIFICATE")]


def lists_in(octets: bytes) -> list[CertificateList]:
    """The revocation lists of a PEM file, such as `trust/bundle-with-crls.pem`. Raises CRL_MALFORMED."""
    return [parse_certificate_list(der) for der in pem_ders(octets, "X509 CRL")]


def to_pem(ders: list[bytes], label: str = "CERTIFICATE") -> bytes:
    blocks = []
    for der in ders:
        text = base64.b64encode(der).decode()
        lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
        blocks.append(f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
    return "".join(blocks).encode()
