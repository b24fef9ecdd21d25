"""SignedData, taken apart (RFC 5652 section 5). Nothing in it is proven."""

from __future__ import annotations

from dataclasses import dataclass

from ..asn1 import oids
from ..asn1.reader import SEQUENCE, SET, DerReader, constructed, primitive
from ..errors import malformed
from ..x509.certificate import Certificate, parse_certificate, read_algorithm_identifier, read_serial

# Whoever looks for a signer looks at each certificate.
MAX_CERTIFICATES, MAX_SIGNERS, MAX_DIGEST_ALGORITHMS, MAX_ATTRIBUTES = 32, 16, 16, 64


@dataclass(frozen=True)
class Attribute:
    """Attribute ::= SEQUENCE { attrType OBJECT IDENTIFIER, attrValues SET OF AttributeValue } (section 5.3)"""

    oid: str
    values: tuple[bytes, ...]
    """At least one, each with its tag, in encoded order."""
    der: bytes


@dataclass(frozen=True)
class SignerInfo:
    """SignerInfo (section 5.3)."""

    version: int
    issuer_and_serial: tuple[bytes, bytes] | None
    """The issuer's Name in DER, and content octets of the serial number; None: the signer is named by its key."""
    subject_key_identifier: bytes | None
    digest_algorithm_der: bytes
    signed_attributes: tuple[Attribute, ...] | None
    signed_attributes_der: bytes | None
    """What the signature is over: the attributes as they came, under the tag of a SET OF (section 5.4)."""
    signature_algorithm_der: bytes
    signature: bytes
    unsigned_attributes: tuple[Attribute, ...]

    def attribute_value(self, oid: str) -> bytes | None:
        """The one value of a signed attribute that may be absent. Raises DER_MALFORMED when there is more than one."""
        found = [attribute.values for attribute in self.signed_attributes or () if attribute.oid == oid]
        if len(found) > 1 or (found and len(found[0]) > 1):
            raise malformed("an attribute has two values")
        return found[0][0] if found else None


@dataclass(frozen=True)
class SignedData:
    """SignedData (section 5.1)."""

    version: int
    digest_algorithm_ders: tuple[bytes, ...]
    content_type: str
    content: bytes | None
    """None: detached."""
    certificates: tuple[Certificate, ...]
    signer_infos: tuple[SignerInfo, ...]


def parse_signed_data(der: bytes, max_octets: int) -> SignedData:
    """ContentInfo ::= SEQUENCE { contentType, content [0] EXPLICIT } (section 3) around SignedData. Revocation information that comes along
    is passed over. Raises DER_MALFORMED, CERTIFICATE_MALFORMED."""

    def read(content_info: DerReader) -> SignedData:
        if content_info.oid() != oids.SIGNED_DATA:
            raise malformed("not id-signedData")
        return content_info.within(constructed(0), lambda content: content.within(SEQUENCE, _read_signed_data))

    return DerReader.whole(der, SEQUENCE, read, max_octets)


def read_attributes(reader: DerReader, tag: int = SET) -> tuple[Attribute, ...]:
    """SET SIZE (1..MAX) OF Attribute under its own or an IMPLICIT tag, in encoded order. Values are walked to their leaves."""
    attributes = reader.list_of(tag, _read_attribute)
    if len(attributes) > MAX_ATTRIBUTES:
        raise malformed(f"more than {MAX_ATTRIBUTES} attributes")
    return tuple(attributes)


def _read_attribute(set_of: DerReader) -> Attribute:
    der = set_of.element(SEQUENCE)

    def read(attribute: DerReader) -> Attribute:
        oid = attribute.oid()
        values = attribute.list_of(SET, lambda each: each.element())
        for value in values:
            DerReader(value).skip_checked()
        return Attribute(oid, tuple(values), der)

    return DerReader.whole(der, SEQUENCE, read)


def _read_signed_data(reader: DerReader) -> SignedData:
    """SignedData ::= SEQUENCE { version, digestAlgorithms SET, encapContentInfo, certificates [0] OPTIONAL, crls [1] OPTIONAL, signerInfos
    SET }"""
    version = reader.small_integer()
    algorithms = reader.list_of(SET, read_algorithm_identifier, 0)
    content_type, content = reader.within(
        SEQUENCE, lambda e: (e.oid(), e.optional(constructed(0), lambda octets: octets.octet_string()))
    )
    certificates = []
    if reader.next_is(constructed(0)):
        certificates = reader.list_of(constructed(0), lambda each: parse_certificate(each.element(SEQUENCE)), 0)
    if reader.next_is(constructed(1)):
        reader.skip_checked()
    signers = reader.list_of(SET, lambda each: each.within(SEQUENCE, _read_signer_info), 0)
    if len(algorithms) > MAX_DIGEST_ALGORITHMS or len(certificates) > MAX_CERTIFICATES or len(signers) > MAX_SIGNERS:
        raise malformed("too many digest algorithms, certificates or signers")
    return SignedData(version, tuple(algorithms), content_type, content, tuple(certificates), tuple(signers))


def _read_signer_info(reader: DerReader) -> SignerInfo:
    """SignerInfo ::= SEQUENCE { version, sid, digestAlgorithm, signedAttrs [0] IMPLICIT OPTIONAL, signatureAlgorithm, signature, unsignedAttrs
    [1] IMPLICIT OPTIONAL }; SignerIdentifier ::= CHOICE { issuerAndSerialNumber, subjectKeyIdentifier [0] IMPLICIT OCTET STRING }"""
    version = reader.small_integer()
    key_identifier = reader.octet_string(primitive(0)) if reader.next_is(primitive(0)) else None
    named = None
    if key_identifier is None:
        named = reader.within(SEQUENCE, lambda sid: (sid.element(SEQUENCE), read_serial(sid)))
    digest_algorithm_der = read_algorithm_identifier(reader)
    signed = reader.element() if reader.next_is(constructed(0)) else None
    signature_algorithm_der = read_algorithm_identifier(reader)
    signature = reader.octet_string()
    unsigned = read_attributes(reader, constructed(1)) if reader.next_is(constructed(1)) else ()
    return SignerInfo(
        version=version,
        issuer_and_serial=named,
        subject_key_identifier=key_identifier,
        digest_algorithm_der=digest_algorithm_der,
        signed_attributes=None if signed is None else read_attributes(DerReader(signed), constructed(0)),
        signed_attributes_der=None if signed is None else bytes((SET,)) + signed[1:],
        signature_algorithm_der=signature_algorithm_der,
        signature=signature,
        unsigned_attributes=unsigned,
    )
