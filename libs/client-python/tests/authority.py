"""A small hierarchy of the tests' own: a root, the CA of services below it, their certificates and lists."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vcc_pki_client import VCCPKIClient

NOW = datetime.now(timezone.utc).replace(microsecond=0)
HOUR = timedelta(hours=1)

BOTH = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


def uri_of(service: str, organization: str = "brandenburg") -> str:
    return f"spiffe://vcc.internal/org/{organization}/service/{service}"


@dataclass(frozen=True)
class Issued:
    key_pem: bytes
    chain_pem: bytes
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


class Authority:
    """A CA with its key in memory."""

    def __init__(self, name: str, parent: Authority | None = None) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "VCC"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
        )
        self.parent = parent
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = (parent or self)._builder(self.name, self.key, NOW - 24 * HOUR, NOW + 240 * HOUR)
        builder = builder.add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
        self.certificate = builder.sign((parent or self).key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def issue(
        self,
        service: str = "argus",
        *,
        uri: str | None = None,
        not_before: datetime = NOW - HOUR,
        not_after: datetime = NOW + 24 * HOUR,
        usages: tuple[x509.ObjectIdentifier, ...] = BOTH,
    ) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), key, not_before, not_after)
        names = [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            x509.UniformResourceIdentifier(uri or uri_of(service)),
        ]
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        builder = builder.add_extension(x509.BasicConstraints(False, None), True).add_extension(usage, True)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), False)
        certificate = builder.add_extension(x509.SubjectAlternativeName(names), False).sign(self.key, hashes.SHA256())
        key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        between = self.pem if self.parent else b""
        return Issued(key_pem, certificate.public_bytes(Encoding.PEM) + between, certificate)

    def crl(self, *revoked: Issued, number: int = 1) -> bytes:
        builder = (
            x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(NOW - HOUR).next_update(NOW + 24 * HOUR)
        )
        builder = builder.add_extension(x509.CRLNumber(number), False).add_extension(self._authority_key(), False)
        for issued in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(issued.certificate.serial_number)
            entry = entry.revocation_date(NOW - timedelta(minutes=1))
            builder = builder.add_revoked_certificate(
                entry.add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), False).build()
            )
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def _authority_key(self) -> x509.AuthorityKeyIdentifier:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, not_before: datetime, not_after: datetime
    ) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(not_before).not_valid_after(not_after)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        return builder.add_extension(self._authority_key(), False)


ROOT = Authority("Root")
SERVICES = Authority("Services CA", ROOT)


def new_client(storage: Path, service: str, issued: Issued | None = None, **options: object) -> VCCPKIClient:
    """A client whose identity is in place, as enrolment leaves it."""
    client = VCCPKIClient(service, "brandenburg", storage_path=storage, pki_url="https://localhost:1", **options)  # type: ignore[arg-type]
    given = issued or SERVICES.issue(service)
    client.files.install(given.key_pem, given.chain_pem, ROOT.pem)
    return client
