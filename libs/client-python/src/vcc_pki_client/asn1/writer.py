"""The little DER that a client writes itself: algorithm identifiers and time-stamp requests."""

from __future__ import annotations

from .reader import INTEGER, NULL, OCTET_STRING, OID, SEQUENCE


def tlv(tag: int, *parts: bytes) -> bytes:
    """One value with its tag and length in the shortest form (X.690 section 8.1.3)."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def sequence(*parts: bytes) -> bytes:
    return tlv(SEQUENCE, *parts)


def octet_string(content: bytes) -> bytes:
    return tlv(OCTET_STRING, content)


def integer(value: int) -> bytes:
    """A number that is not negative."""
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = b""
    for arc in (first * 40 + second, *rest):
        octets = [arc & 0x7F]
        while arc := arc >> 7:
            octets.append(arc & 0x7F | 0x80)
        content += bytes(reversed(octets))
    return tlv(OID, content)


def algorithm_identifier(dotted: str, with_null: bool = False) -> bytes:
    """AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters NULL or absent } (RFC 5280 section 4.1.1.2)."""
    return sequence(oid(dotted), tlv(NULL) if with_null else b"")
