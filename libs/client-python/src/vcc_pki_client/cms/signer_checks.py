"""What makes a CMS signature one by this signer over this content: all of it has to hold (RFC 5652 sections 5.3 to 5.6). A signature without
signed attributes is not accepted: its octets could be read as attributes, and attributes as its content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..asn1 import oids
from ..asn1.reader import SEQUENCE, DerReader, constructed
from ..checks import Check, run_check
from ..errors import malformed
from ..x509.algorithms import RSA_ENCRYPTION_DER, Scheme, digest, hash_algorithm_of, scheme_of, verify_signature
from ..x509.certificate import Certificate, read_algorithm_identifier, read_serial
from .signed_data import SignedData, SignerInfo, read_attributes

MAX_SIGNED_ATTRIBUTES_OCTETS = 64 * 1024

ONE_SIGNER, SIGNER_CERTIFICATE = "one-signer", "signer-certificate"


@dataclass(frozen=True)
class CmsSignature:
    """A signature in a message, and the certificate that every check is made with: resolved once."""

    signed_data: SignedData
    signer_info: SignerInfo
    signer: Certificate
    others: tuple[Certificate, ...]
    """The other certificates there are, which are not trusted."""
    content_digest: Callable[[str], bytes]
    """Digest of what was signed, by its hash. Raises when it is not known under this hash."""

    @cached_property
    def attributes(self) -> tuple[str, bytes]:
        """contentType, dotted, and messageDigest. Raises DER_MALFORMED."""
        return _parse_signed_attributes(self.signer_info)


def _parse_signed_attributes(info: SignerInfo) -> tuple[str, bytes]:
    """SET OF Attribute in the form that is signed: sorted, no type twice, with contentType and messageDigest of one value each (sections 5.4
    and 11)."""
    if info.signed_attributes_der is None:
        raise malformed("there are no signed attributes")
    if len(info.signed_attributes_der) > MAX_SIGNED_ATTRIBUTES_OCTETS:
        raise malformed("signed attributes are too long")
    reader = DerReader(info.signed_attributes_der)
    attributes = read_attributes(reader)
    reader.end()
    for elements in ([a.der for a in attributes], *(a.values for a in attributes)):
        if list(elements) != sorted(elements):
            raise malformed("SET OF is not sorted")
    if len({attribute.oid for attribute in attributes}) != len(attributes):
        raise malformed("attribute comes twice")
    content_type, message_digest = info.attribute_value(oids.CONTENT_TYPE), info.attribute_value(oids.MESSAGE_DIGEST)
    if content_type is None or message_digest is None:
        raise malformed("contentType and messageDigest have one value each")
    return DerReader(content_type).oid(), DerReader(message_digest).octet_string()


def look_for_signer(
    signed_data: SignedData, at_hand: Sequence[Certificate], content_digest: Callable[[str], bytes]
) -> tuple[list[Check], CmsSignature | None]:
    """The one signer of a message, and his certificate among those in it and those that are at hand."""
    infos = signed_data.signer_infos
    if len(infos) != 1:
        return [Check(ONE_SIGNER, False, f"there are {len(infos)}")], None
    candidates = [*signed_data.certificates, *at_hand]
    found: list[CmsSignature] = []

    def look(info: SignerInfo) -> None:
        signer = _find_signer(info, candidates)
        others = tuple(each for each in candidates if each is not signer)
        found.append(CmsSignature(signed_data, info, signer, others, content_digest))

    check = run_check(SIGNER_CERTIFICATE, look, infos[0])
    return [Check(ONE_SIGNER, True), check], found[0] if found else None


def _find_signer(info: SignerInfo, certificates: Sequence[Certificate]) -> Certificate:
    """The certificate that the signer identifier names. The names in it prove nothing; that there are two to choose from is a reason to
    refuse."""

    def is_named(certificate: Certificate) -> bool:
        if info.issuer_and_serial is not None:
            return (certificate.issuer_der, certificate.serial) == info.issuer_and_serial
        identifier = certificate.subject_key_identifier
        return identifier is not None and identifier == info.subject_key_identifier

    named = [certificate for certificate in certificates if is_named(certificate)]
    if not named:
        raise malformed("the signer's certificate is not there")
    if any(certificate.der != named[0].der for certificate in named):
        raise malformed("two certificates may be the signer's")
    return named[0]


def _find_wrong_version(signature: CmsSignature) -> str | None:
    """SignedData is of version 3 for all but id-data and when a signer is named by its key; SignerInfo is of version 3 then, else 1 (sections
    5.1 and 5.3)."""
    data, info = signature.signed_data, signature.signer_info
    if info.version != (3 if info.subject_key_identifier is not None else 1):
        return f"SignerInfo is of version {info.version}"
    is_three = data.content_type != oids.DATA or any(each.version == 3 for each in data.signer_infos)
    return None if data.version == (3 if is_three else 1) else f"SignedData is of version {data.version}"


def _find_wrong_attributes(signature: CmsSignature) -> None:
    signature.attributes  # noqa: B018 - raises


def _find_other_content_type(signature: CmsSignature) -> str | None:
    return None if signature.attributes[0] == signature.signed_data.content_type else "the content is of another type"


def _find_wrong_digest_algorithm(signature: CmsSignature) -> str | None:
    """The digest's algorithm is named in front, and it is the signature's own (RFC 8933 section 3)."""
    algorithm = _known_hash(signature.signer_info.digest_algorithm_der)
    if all(hash_algorithm_of(der) != algorithm for der in signature.signed_data.digest_algorithm_ders):
        return "it is not among those of the message"
    signature_hash = _scheme(signature.signer_info).hash or "sha512"  # Ed25519: RFC 8419 section 3.1
    return None if signature_hash == algorithm else f"{algorithm} goes with a signature over {signature_hash}"


def _find_other_content(signature: CmsSignature) -> str | None:
    there = signature.content_digest(_known_hash(signature.signer_info.digest_algorithm_der))
    return None if signature.attributes[1] == there else "the content has another digest"


def _find_wrong_signature(signature: CmsSignature) -> str | None:
    info = signature.signer_info
    signed = info.signed_attributes_der or b""
    is_by_signer = verify_signature(signature.signer.spki_der, _scheme(info), signed, info.signature)
    return None if is_by_signer and signed else "it is not by this key over these attributes"


def _find_other_signing_certificate(signature: CmsSignature) -> str | None:
    """ESSCertIDv2 (RFC 5035 section 3) or ESSCertID (RFC 2634 section 5.4.1): the hash of the certificate that is to be used. The first is the
    signer's; those behind it are left to path validation."""
    v2 = signature.signer_info.attribute_value(oids.SIGNING_CERTIFICATE_V2)
    v1 = signature.signer_info.attribute_value(oids.SIGNING_CERTIFICATE)
    if v2 is None and v1 is None:
        return "it is not named under the signature"
    is_other = (v2 is not None and not _is_of(signature.signer, v2, True)) or (
        v1 is not None and not _is_of(signature.signer, v1, False)
    )
    return "another certificate is named under the signature" if is_other else None


def _is_of(signer: Certificate, value: bytes, is_v2: bool) -> bool:
    """SigningCertificate(V2) ::= SEQUENCE { certs SEQUENCE OF ESSCertID(v2), policies OPTIONAL }; ESSCertID(v2) ::= SEQUENCE { [v2:
    hashAlgorithm DEFAULT sha256,] certHash OCTET STRING, issuerSerial SEQUENCE { issuer GeneralNames, serialNumber } OPTIONAL }"""

    def read_id(identifier: DerReader) -> bool:
        algorithm = "sha1"
        if is_v2:
            algorithm = _known_hash(read_algorithm_identifier(identifier)) if identifier.next_is(SEQUENCE) else "sha256"
        has_hash = identifier.octet_string() == digest(algorithm, signer.der)
        named = identifier.optional(SEQUENCE, lambda i: (i.list_of(SEQUENCE, _read_directory_name), read_serial(i)))
        return has_hash and (named is None or (signer.issuer_der in named[0] and signer.serial == named[1]))

    def read(attribute: DerReader) -> bool:
        identifiers = attribute.list_of(SEQUENCE, lambda certs: certs.element(SEQUENCE))
        if not attribute.at_end:
            attribute.skip_checked()
        return DerReader.whole(identifiers[0], SEQUENCE, read_id)

    return DerReader.whole(value, SEQUENCE, read)


def _read_directory_name(names: DerReader) -> bytes | None:
    """GeneralName (RFC 5280 section 4.2.1.6): directoryName [4] EXPLICIT Name, or another form, which is passed over."""
    if names.next_is(constructed(4)):
        return names.within(constructed(4), lambda name: name.element(SEQUENCE))
    names.skip_checked()
    return None


def _find_other_algorithms(signature: CmsSignature) -> str | None:
    """CMSAlgorithmProtection ::= SEQUENCE { digestAlgorithm, signatureAlgorithm [1] IMPLICIT OPTIONAL, … }, where it is there, names the
    algorithms that the SignerInfo names (RFC 6211 sections 2 and 4)."""
    info = signature.signer_info
    value = info.attribute_value(oids.ALGORITHM_PROTECTION)
    if value is None:
        return None

    def read(protection: DerReader) -> bool:
        digest_der = read_algorithm_identifier(protection)
        signature_der = bytes((SEQUENCE,)) + protection.element(constructed(1))[1:]
        return (digest_der, signature_der) == (info.digest_algorithm_der, info.signature_algorithm_der)

    return None if DerReader.whole(value, SEQUENCE, read) else "other algorithms are named under the signature"


def _known_hash(identifier_der: bytes) -> str:
    known = hash_algorithm_of(identifier_der)
    if known is None:
        raise malformed("hash algorithm is not one we accept")
    return known


def _scheme(info: SignerInfo) -> Scheme:
    """Many name a PKCS#1 signature by its key alone, rsaEncryption: the hash is the digest's then (RFC 3370 section 3.2)."""
    algorithm = hash_algorithm_of(info.digest_algorithm_der)
    if info.signature_algorithm_der == RSA_ENCRYPTION_DER and algorithm in ("sha256", "sha384", "sha512"):
        return Scheme("rsa", algorithm)
    return scheme_of(info.signature_algorithm_der)


SIGNER_CHECKS: tuple[tuple[str, Callable[[CmsSignature], str | None]], ...] = (
    ("versions", _find_wrong_version),
    ("signed-attributes", _find_wrong_attributes),
    ("content-type", _find_other_content_type),
    ("digest-algorithm", _find_wrong_digest_algorithm),
    ("message-digest", _find_other_content),
    ("signature", _find_wrong_signature),
    ("signing-certificate", _find_other_signing_certificate),
    ("algorithm-protection", _find_other_algorithms),
)
