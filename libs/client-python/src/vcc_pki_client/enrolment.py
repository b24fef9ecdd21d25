"""How a service gets its identity: it pins the root by its fingerprint, makes its key, and asks with a token that counts once; and how the
identity renews itself."""

from __future__ import annotations

import hashlib
import hmac
import re
import ssl
from typing import Any, Sequence

from .errors import PkiError
from .gateway import Gateway
from .identity_files import Identity, IdentityFiles
from .pem import certificates_in, to_pem
from .tls import bundle_context, client_context
from .x509.certificate import Certificate, is_signed_by
from .x509.spiffe import identity_of

_TRUST_BUNDLE = "/api/v1/trust/bundle"
# Refusals after which the same request may be made again; after all others the next one is made anew.
_PASSING = {"PEER_UNAVAILABLE", "RATE_LIMITED", "STORE_UNAVAILABLE", "HSM_UNAVAILABLE", "INTERNAL"}


def pin_root(pki_url: str, ca_fingerprint: str) -> bytes:
    """The trust bundle of the gateway, in PEM, roots alone, once the root with this fingerprint has vouched for it.

    The one call that is made before anybody is trusted fetches the root; what else it brings is thrown away, and the bundle is fetched again
    over TLS under that root alone. `ca_fingerprint`: SHA-256 of the root's DER in hex, with or without colons and "sha256:". Raises
    CERTIFICATE_NOT_TRUSTED when no root has it."""
    wanted = _fingerprint(ca_fingerprint)
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    offered = certificates_in(_fetch(pki_url, unverified))
    pinned = next((root for root in offered if hmac.compare_digest(hashlib.sha256(root.der).hexdigest(), wanted)), None)
    if pinned is None or not _is_root(pinned):
        raise PkiError("CERTIFICATE_NOT_TRUSTED", "the gateway offers no root with this fingerprint")
    verified = certificates_in(_fetch(pki_url, bundle_context(to_pem([pinned.der]).decode())))
    return roots_pem(verified)


def roots_pem(certificates: Sequence[Certificate]) -> bytes:
    """Those that signed themselves, in PEM: an intermediate is no anchor."""
    roots = [certificate.der for certificate in certificates if _is_root(certificate)]
    if not roots:
        raise PkiError("CERTIFICATE_MALFORMED", "the trust bundle has no root")
    return to_pem(roots)


def _is_root(certificate: Certificate) -> bool:
    return certificate.is_ca and certificate.is_self_issued and is_signed_by(certificate, certificate.spki_der)


def _fetch(pki_url: str, context: ssl.SSLContext) -> bytes:
    gateway = Gateway(pki_url, context)
    try:
        return gateway.get(_TRUST_BUNDLE)
    finally:
        gateway.close()


def _fingerprint(text: str) -> str:
    plain = text.lower().removeprefix("sha256:").replace(":", "")
    if not re.fullmatch("[0-9a-f]{64}", plain):
        raise PkiError("CONFIG_INVALID", "a fingerprint is SHA-256 in hex")
    return plain


def enrol(
    files: IdentityFiles,
    pki_url: str,
    service_uri: str,
    token: str,
    ca_fingerprint: str,
    dns_names: Sequence[str],
    ip_addresses: Sequence[str],
) -> Identity:
    """Obtains the first certificate. Who was broken off and asks again with the same token asks with the same key and gets the same answer."""
    bundle_pem = pin_root(pki_url, ca_fingerprint)
    gateway = Gateway(pki_url, bundle_context(bundle_pem.decode()))
    try:
        return _obtain(
            gateway,
            files,
            "/api/v1/enrol",
            service_uri,
            dns_names,
            ip_addresses,
            {"attestation": {"kind": "token", "token": token}},
        )
    finally:
        gateway.close()


def renew(files: IdentityFiles, pki_url: str) -> Identity:
    """Obtains the next certificate, for the same names and a new key; the one in force is the authentication. Until it is there, nothing has
    changed."""
    certificate = files.load().certificate
    names = certificate.names
    if len(names.uri) != 1:
        raise PkiError("CERTIFICATE_MALFORMED", "the certificate does not name one service")
    gateway = Gateway(pki_url, client_context(files))
    try:
        return _obtain(gateway, files, "/api/v1/agent/renew", names.uri[0], names.dns, names.ip, {})
    finally:
        gateway.close()


def _obtain(
    gateway: Gateway,
    files: IdentityFiles,
    path: str,
    service_uri: str,
    dns_names: Sequence[str],
    ip_addresses: Sequence[str],
    attestation: dict[str, Any],
) -> Identity:
    request = files.pending(service_uri, list(dns_names), list(ip_addresses))
    body = {**attestation, "csr": request.csr_pem.decode(), "request_id": request.request_id}
    try:
        answer = gateway.post_json(path, body)
    except PkiError as error:
        if error.code not in _PASSING:
            files.forget_pending()
        raise
    chain_pem, bundle_pem = _text(answer, "chain_pem"), _text(answer, "bundle_pem")
    chain = certificates_in(chain_pem)
    identity = identity_of(chain[0]) if chain else None
    if identity is None or identity.uri != service_uri:
        raise PkiError(
            "CERTIFICATE_MALFORMED", f"the certificate is for {identity.uri if identity else 'nobody'}, not {service_uri}"
        )
    return files.install(request.key_pem, chain_pem, roots_pem(certificates_in(bundle_pem)))


def _text(answer: Any, name: str) -> bytes:
    value = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(value, str):
        raise PkiError("PEER_UNAVAILABLE", f"the gateway's answer has no {name}")
    return value.encode()
