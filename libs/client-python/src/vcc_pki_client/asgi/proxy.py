"""The client's certificate in the headers of a proxy that terminates TLS: Client-Cert (RFC 9440), and the names that came before it."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass
from typing import Iterable, Sequence
from urllib.parse import unquote_to_bytes

from ..errors import PkiError
from ..pem import pem_ders

_STANDARD, _STANDARD_CHAIN = b"client-cert", b"client-cert-chain"
_LEGACY = (b"x-ssl-client-cert", b"x-client-certificate", b"x-client-cert")

CERTIFICATE_HEADERS = frozenset({_STANDARD, _STANDARD_CHAIN, *_LEGACY})
"""Whoever sends these without being the proxy wants to be somebody else: no application ever sees them."""

_MAX_HEADER_OCTETS = 16 * 1024
_MAX_CHAIN = 8
# Byte Sequence (RFC 8941 section 3.3.5).
_BYTE_SEQUENCE = re.compile(rb":([A-Za-z0-9+/]*={0,2}):")

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True)
class ProxyTrust:
    """Which proxies may say whose certificate they saw. A proxy is known by its own certificate, or by the address it connects from where there is no
    TLS behind it (its own host). Addresses are those of the connection: run uvicorn with `proxy_headers=False`, or a header decides them."""

    identities: Sequence[str] = ()
    """SPIFFE ids."""
    networks: Sequence[str] = ()
    """`127.0.0.1/32`, `fd00::/8`."""

    def __post_init__(self) -> None:
        try:
            for network in self.networks:
                ipaddress.ip_network(network)
        except ValueError as error:
            raise PkiError("CONFIG_INVALID", f"not a network: {error}") from error

    def admits(self, identity: str | None, address: str | None) -> bool:
        """Whether this is one of the proxies: who showed this certificate, or connects from this address without one."""
        if identity is not None:
            return identity in self.identities
        try:
            connected = ipaddress.ip_address(address or "")
        except ValueError:
            return False
        return any(connected in ipaddress.ip_network(network) for network in self.networks)


def without_certificates(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers that an application may see."""
    return [(name, value) for name, value in headers if name.lower() not in CERTIFICATE_HEADERS]


def forwarded_certificate(headers: Headers) -> list[bytes] | None:
    """The client's certificate that a proxy forwards, and behind it the chain, in DER; None when it forwards none. Raises REQUEST_MALFORMED for what
    cannot be read, and for two that are not the same."""
    found: set[bytes] = set()
    for name, value in headers:
        if name.lower() == _STANDARD:
            found.add(_byte_sequence(value))
        elif name.lower() in _LEGACY:
            found.add(_legacy(value))
    if not found:
        return None
    if len(found) > 1:
        raise _malformed("two certificates are forwarded")
    chain = [_byte_sequence(each) for each in _list_members(value for name, value in headers if name.lower() == _STANDARD_CHAIN)]
    if len(chain) > _MAX_CHAIN:
        raise _malformed("the chain is too long")
    return [found.pop(), *chain]


def _byte_sequence(value: bytes) -> bytes:
    """A Byte Sequence with base64 of DER (RFC 9440 section 2.1)."""
    match = _BYTE_SEQUENCE.fullmatch(value.strip())
    if match is None or len(value) > _MAX_HEADER_OCTETS:
        raise _malformed("Client-Cert is no byte sequence")
    return _decode(match[1])


def _list_members(values: Iterable[bytes]) -> list[bytes]:
    """Members of a List (RFC 8941 section 3.1), over all lines of the field."""
    return [member.strip() for value in values for member in value.split(b",") if member.strip()]


def _legacy(value: bytes) -> bytes:
    """PEM, as nginx escapes it (`$ssl_client_escaped_cert`) or with its line ends folded, or base64 of DER."""
    if len(value) > _MAX_HEADER_OCTETS:
        raise _malformed("the certificate is too long")
    text = unquote_to_bytes(value.strip()) if b"%" in value else value.strip()
    if b"-----BEGIN" not in text:
        return _decode(b"".join(text.split()))
    try:
        ders = pem_ders(text, "CERTIFICATE")
    except PkiError as error:
        raise _malformed("the certificate is no PEM") from error
    if len(ders) != 1:
        raise _malformed("not one certificate")
    return ders[0]


def _decode(base64_text: bytes) -> bytes:
    try:
        der = base64.b64decode(base64_text, validate=True)
    except binascii.Error:
        der = b""
    if not der:
        raise _malformed("the certificate is no base64")
    return der


def _malformed(fault: str) -> PkiError:
    return PkiError("REQUEST_MALFORMED", f"forwarded certificate: {fault}")
