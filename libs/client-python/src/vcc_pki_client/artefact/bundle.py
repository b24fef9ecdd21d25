"""Sigstore bundles v0.3 (sigstore_bundle.proto) around a DSSE envelope: with a chain, as OpenSSF Model Signing has it, or with the signer's
certificate alone; and the attestation objects of PEP 740, which say the same."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import AbstractSet, Any, Sequence

from ..cms.dsse import Envelope
from ..cms.time_stamp import token_of
from ..errors import PkiError
from ..x509.certificate import Certificate, parse_certificate
from .in_toto import IN_TOTO_PAYLOAD_TYPE, MAX_STATEMENT_OCTETS
from .strict_json import parse_strict_json

BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_MAX_BUNDLE_OCTETS = 2 * MAX_STATEMENT_OCTETS
_MAX_CERTIFICATES, _MAX_STAMPS, _MAX_SIGNATURES, _MAX_DEPTH = 8, 4, 16, 8


@dataclass(frozen=True)
class Bundle:
    envelope: Envelope
    certificates: tuple[Certificate, ...]
    """The signer's, and in a chain behind each the one of its issuer, without the root."""
    time_stamps: tuple[bytes, ...]
    """Time-stamp tokens over the signature, in DER."""


def parse_bundle(octets: bytes) -> Bundle:
    """Reads a bundle, of either form, whoever made it; says nothing about what it proves. Raises BUNDLE_MALFORMED, REQUEST_TOO_LARGE."""
    json = parse_strict_json(
        octets, max_octets=_MAX_BUNDLE_OCTETS, max_depth=_MAX_DEPTH, code="BUNDLE_MALFORMED", what="the bundle"
    )
    if isinstance(json, dict) and "verification_material" in json:
        return _parsed(*_attestation_object(json))
    return _parsed(*_sigstore_bundle(json))


def _parsed(envelope: Envelope, certificates: Sequence[bytes], time_stamps: Sequence[bytes]) -> Bundle:
    try:
        return Bundle(envelope, tuple(map(parse_certificate, certificates)), tuple(map(token_of, time_stamps)))
    except PkiError as error:
        raise _malformed(f"it has a part that cannot be read: {error.message}") from error


_Parts = tuple[Envelope, Sequence[bytes], Sequence[bytes]]


def _attestation_object(json: Any) -> _Parts:
    """The attestation object of PEP 740. It wants an entry of a transparency log; this suite has none, and a time stamp stands in its place."""
    top = _object(json, {"version", "verification_material", "envelope"})
    material = _object(top["verification_material"], {"certificate", "transparency_entries"})
    envelope = _object(top["envelope"], {"statement", "signature"})
    if type(top["version"]) is not int or top["version"] != 1:
        raise _malformed("it is of another version")
    signed = Envelope(IN_TOTO_PAYLOAD_TYPE, _base64(envelope["statement"]), (_base64(envelope["signature"]),))
    stamps = _list(material["transparency_entries"], _MAX_STAMPS)
    return signed, [_base64(material["certificate"])], _stamp_octets(stamps)


def _stamp_octets(stamps: Sequence[Any]) -> list[bytes]:
    return [_base64(_object(each, {"signedTimestamp"})["signedTimestamp"]) for each in stamps]


def _sigstore_bundle(json: Any) -> _Parts:
    top = _object(json, {"mediaType", "verificationMaterial", "dsseEnvelope"})
    if top["mediaType"] != BUNDLE_MEDIA_TYPE:
        raise _malformed("it is of another version or kind")
    material, envelope = top["verificationMaterial"], _object(top["dsseEnvelope"], {"payload", "payloadType", "signatures"})
    if not isinstance(envelope["payloadType"], str) or len(envelope["payloadType"]) > 256:
        raise _malformed("its payload has no type")
    signatures = _list(envelope["signatures"], _MAX_SIGNATURES)
    certificates = [_base64(_object(each, {"rawBytes"})["rawBytes"]) for each in _chain(material)]
    signed = Envelope(envelope["payloadType"], _base64(envelope["payload"]), tuple(map(_read_signature, signatures)))
    return signed, certificates, _stamp_octets(_stamps(material))


def _chain(material: Any) -> list[Any]:
    optional = {"tlogEntries", "timestampVerificationData"}
    if isinstance(material, dict) and "certificate" in material:
        chain = [_object(material, {"certificate"}, optional)["certificate"]]
    else:
        bag = _object(_object(material, {"x509CertificateChain"}, optional)["x509CertificateChain"], {"certificates"})
        chain = _list(bag["certificates"], _MAX_CERTIFICATES)
        if not chain:
            raise _malformed("it has no certificate")
    # Entries of transparency logs: there is none in this suite that would be trusted.
    if material.get("tlogEntries", []) != []:
        raise _malformed("it has entries of a transparency log")
    return chain


def _stamps(material: Any) -> list[Any]:
    data = material.get("timestampVerificationData")
    return [] if data is None else _list(_object(data, {"rfc3161Timestamps"})["rfc3161Timestamps"], _MAX_STAMPS)


def _read_signature(entry: Any) -> bytes:
    """What keyid says is not looked at."""
    signature = _object(entry, {"sig"}, {"keyid"})
    key_id = signature.get("keyid", "")
    if not isinstance(key_id, str) or len(key_id) > 512:
        raise _malformed("a key identifier is no text")
    return _base64(signature["sig"])


def _base64(text: Any) -> bytes:
    """Base64 in its one form (RFC 4648 section 4)."""
    try:
        octets = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        octets = b""
    if not octets or base64.b64encode(octets).decode() != text:
        raise _malformed("not base64, or not in its one form")
    return octets


def _object(value: Any, required: AbstractSet[str], optional: AbstractSet[str] = frozenset()) -> dict[str, Any]:
    if not isinstance(value, dict) or not required <= value.keys() <= required | optional:
        raise _malformed(f"a part is not an object of {', '.join(sorted(required))}")
    return value


def _list(value: Any, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise _malformed(f"a part is not a list of at most {most}")
    return value


def _malformed(fault: str) -> PkiError:
    return PkiError("BUNDLE_MALFORMED", f"the bundle: {fault}")
