"""Keys and certification requests (PKCS#10, RFC 2986). A key is made where it is used and never sent."""

from __future__ import annotations

import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from .errors import PkiError


def new_private_key() -> bytes:
    """A new P-256 key: PKCS#8 in PEM, not encrypted."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def build_certificate_request(key_pem: bytes, service_uri: str, dns_names: list[str], ip_addresses: list[str]) -> bytes:
    """A request, in PEM, for these names and nothing else; the common name repeats the first DNS name. Raises NAME_MALFORMED."""
    key = load_pem_private_key(key_pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise PkiError("KEY_NOT_ALLOWED", "requests are made for keys of elliptic curves")
    try:
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in dns_names]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in ip_addresses]
        names.append(x509.UniformResourceIdentifier(service_uri))
    except ValueError as error:
        raise PkiError("NAME_MALFORMED", f"a name cannot be asked for: {error}") from error
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, dns_names[0])] if dns_names and len(dns_names[0]) <= 64 else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    request = builder.add_extension(x509.SubjectAlternativeName(names), critical=not subject)
    return request.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
