"""Hashes and signature schemes that are accepted, and verification with them. Everything else is refused, SHA-1 first."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, Union

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ..asn1 import oids
from ..asn1.reader import SEQUENCE, DerReader, constructed
from ..asn1.writer import algorithm_identifier, integer, sequence, tlv
from ..errors import PkiError
from .weak_keys import find_ed25519_weakness, find_rsa_weakness

PublicKey = Union[rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey]

_HASH_OIDS = {
    "sha256": oids.SHA256,
    "sha384": oids.SHA384,
    "sha512": oids.SHA512,
    "sha3-256": oids.SHA3_256,
    "sha3-384": oids.SHA3_384,
    "sha3-512": oids.SHA3_512,
}
# Parameters absent is what is written (RFC 5754 section 2); NULL means the same.
_HASH_BY_DER = {algorithm_identifier(dotted, null): name for name, dotted in _HASH_OIDS.items() for null in (False, True)}


def hash_algorithm_of(identifier_der: bytes) -> str | None:
    """The hash that an AlgorithmIdentifier names; None for one that is not accepted."""
    return _HASH_BY_DER.get(identifier_der)


def hash_identifier(name: str) -> bytes:
    """AlgorithmIdentifier of a hash, without parameters."""
    return algorithm_identifier(_HASH_OIDS[name])


def digest(name: str, data: bytes) -> bytes:
    return hashlib.new(name.replace("sha3-", "sha3_"), data).digest()


@dataclass(frozen=True)
class Scheme:
    """What an AlgorithmIdentifier alone says about a signature; for ECDSA the curve comes from the key."""

    key_type: Literal["ec", "rsa", "ed25519"]
    hash: str | None
    pss: bool = False


def _pss_identifier(hash_oid: str, salt_octets: int) -> bytes:
    """RSASSA-PSS-params ::= SEQUENCE { hashAlgorithm [0], maskGenAlgorithm [1], saltLength [2] }, trailer at its default (RFC 4055
    section 3.1)."""
    hash_der = algorithm_identifier(hash_oid, True)
    mgf = sequence(_oid_of(oids.MGF1), hash_der)
    parameters = sequence(tlv(constructed(0), hash_der), tlv(constructed(1), mgf), tlv(constructed(2), integer(salt_octets)))
    return sequence(_oid_of(oids.RSASSA_PSS), parameters)


def _oid_of(dotted: str) -> bytes:
    return DerReader(algorithm_identifier(dotted)).enter(SEQUENCE).element()


# The complete AlgorithmIdentifiers, compared octet by octet: PKCS#1 with NULL (RFC 4055 section 5), ECDSA and EdDSA without parameters
# (RFC 5758 section 3.2, RFC 8410 section 3).
_SCHEME_BY_DER = {
    algorithm_identifier("1.2.840.10045.4.3.2"): Scheme("ec", "sha256"),
    algorithm_identifier("1.2.840.10045.4.3.3"): Scheme("ec", "sha384"),
    algorithm_identifier("1.2.840.10045.4.3.4"): Scheme("ec", "sha512"),
    algorithm_identifier("1.2.840.113549.1.1.11", True): Scheme("rsa", "sha256"),
    algorithm_identifier("1.2.840.113549.1.1.12", True): Scheme("rsa", "sha384"),
    algorithm_identifier("1.2.840.113549.1.1.13", True): Scheme("rsa", "sha512"),
    _pss_identifier(oids.SHA256, 32): Scheme("rsa", "sha256", pss=True),
    _pss_identifier(oids.SHA384, 48): Scheme("rsa", "sha384", pss=True),
    _pss_identifier(oids.SHA512, 64): Scheme("rsa", "sha512", pss=True),
    algorithm_identifier(oids.ED25519): Scheme("ed25519", None),
}
RSA_ENCRYPTION_DER = algorithm_identifier(oids.RSA_ENCRYPTION, True)


def scheme_of(identifier_der: bytes) -> Scheme:
    """The scheme that an AlgorithmIdentifier names. Raises ALGORITHM_NOT_ALLOWED."""
    scheme = _SCHEME_BY_DER.get(identifier_der)
    if scheme is None:
        raise PkiError("ALGORITHM_NOT_ALLOWED", "signature algorithm is not one we accept")
    return scheme


# What a key signs with when nothing else is said: the hash follows the curve.
_CURVES: dict[str, tuple[str, int]] = {
    "secp256r1": ("sha256", 32),
    "secp384r1": ("sha384", 48),
    "secp521r1": ("sha512", 66),
    "brainpoolP256r1": ("sha256", 32),
    "brainpoolP384r1": ("sha384", 48),
}


def import_public_key(spki_der: bytes) -> PublicKey:
    """The key, after the bounds that keep a hostile one from costing seconds. Raises KEY_WEAK, KEY_NOT_ALLOWED."""
    try:
        key = load_der_public_key(spki_der)
    except UnsupportedAlgorithm as error:
        raise PkiError("KEY_NOT_ALLOWED", "key type is not one we accept") from error
    except ValueError as error:
        raise PkiError("KEY_WEAK", "public key is not valid on its curve or for its type") from error
    if not isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey)):
        raise PkiError("KEY_NOT_ALLOWED", "key type is not one we accept")
    if isinstance(key, rsa.RSAPublicKey) and (key.key_size > 16_384 or key.public_numbers().e.bit_length() > 256):
        raise PkiError("KEY_NOT_ALLOWED", "RSA key is too large")
    return key


def envelope_scheme_for(spki_der: bytes) -> Scheme:
    """How a key signs DSSE envelopes, which do not say: each kind of key has one way. Raises ALGORITHM_NOT_ALLOWED."""
    key = import_public_key(spki_der)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return Scheme("ed25519", None)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in (3072, 4096):
        return Scheme("rsa", "sha256")
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return Scheme("ec", _CURVES[key.curve.name][0])
    raise PkiError("ALGORITHM_NOT_ALLOWED", "envelopes are not signed by such a key")


def verify_signature(spki_der: bytes, scheme: Scheme, data: bytes, signature: bytes) -> bool:
    """True if `signature` over `data` is by this key. ECDSA signatures are DER. Raises as `import_public_key` does."""
    key = import_public_key(spki_der)
    try:
        if isinstance(key, rsa.RSAPublicKey) and scheme.key_type == "rsa":
            _verify_rsa(key, scheme, data, signature)
        elif isinstance(key, ec.EllipticCurvePublicKey) and scheme.key_type == "ec":
            key.verify(signature, data, ec.ECDSA(_hash(scheme)))
        elif isinstance(key, ed25519.Ed25519PublicKey) and scheme.key_type == "ed25519":
            key.verify(signature, data)
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True


def _verify_rsa(key: rsa.RSAPublicKey, scheme: Scheme, data: bytes, signature: bytes) -> None:
    algorithm = _hash(scheme)
    if scheme.pss:
        key.verify(signature, data, padding.PSS(padding.MGF1(algorithm), algorithm.digest_size), algorithm)
    else:
        key.verify(signature, data, padding.PKCS1v15(), algorithm)


def _hash(scheme: Scheme) -> hashes.HashAlgorithm:
    return {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}[scheme.hash or ""]


def check_public_key(spki_der: bytes) -> None:
    """Refuses a public key that nobody should be certified with: KEY_WEAK, KEY_NOT_ALLOWED (BSI TR-02102-1: RSA from 3072 bits on)."""
    key = import_public_key(spki_der)
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        _refuse_if(key.key_size < 3072 and f"RSA modulus has {key.key_size} bits, the minimum is 3072")
        _refuse_if((numbers.e % 2 == 0 or numbers.e < 65_537) and "RSA public exponent is even or below 65537")
        _refuse_if(find_rsa_weakness(numbers.n))
    elif isinstance(key, ec.EllipticCurvePublicKey):
        _check_curve(spki_der, key)
    else:
        _refuse_if(find_ed25519_weakness(_key_octets(spki_der)))


def _check_curve(spki_der: bytes, key: ec.EllipticCurvePublicKey) -> None:
    name = key.curve.name
    _refuse_if(name in ("secp192r1", "secp224r1") and "curve has fewer than 256 bits")
    if name not in _CURVES:
        raise PkiError("KEY_NOT_ALLOWED", f"no certificates for {name} keys")
    point = _key_octets(spki_der)
    # RFC 5480 section 2.2 allows compressed points, but two encodings of one key would slip past every list of known keys.
    if point[:1] != b"\x04" or len(point) != 1 + 2 * _CURVES[name][1]:
        raise PkiError("KEY_NOT_ALLOWED", "point is not in uncompressed form")


def _key_octets(spki_der: bytes) -> bytes:
    """subjectPublicKey of SubjectPublicKeyInfo ::= SEQUENCE { algorithm, subjectPublicKey BIT STRING } (RFC 5280 section 4.1.2.7)."""

    def read(spki: DerReader) -> bytes:
        spki.element(SEQUENCE)
        return spki.bit_string_octets()

    return DerReader.whole(spki_der, SEQUENCE, read)


def key_identifier(spki_der: bytes, algorithm: str = "sha1") -> bytes:
    """Hash over the subjectPublicKey's octets: a key identifier (RFC 5280 section 4.2.1.2), and how OCSP names keys."""
    return hashlib.new(algorithm, _key_octets(spki_der)).digest()


def _refuse_if(weakness: str | bool | None) -> None:
    if weakness:
        raise PkiError("KEY_WEAK", str(weakness))
