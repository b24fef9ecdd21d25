"""The client of a service: its identity, whom it believes, and what it asks of the PKI."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import socket
import ssl
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Sequence

from .artefact.comparison import Expected, digest_text
from .artefact.signer_trust import ArtefactTrust
from .artefact.trust_policy import TrustPolicy, read_trust_policy
from .asn1 import oids
from .enrolment import enrol, renew, roots_pem
from .errors import PkiError
from .evidence import KeptStatements
from .files import observe_artefact
from .gateway import Gateway
from .identity_files import Identity, IdentityFiles
from .peers import Peer, PeerTrust
from .pem import certificates_in
from .time_stamping import TIMESTAMP_QUERY, StampTrust, TimeStamp, build_request, new_nonce, verify_response, verify_token
from .tls import ReloadingServerContext, client_context
from .verify_artefact import VerifiedArtefact, judge_artefact
from .x509.spiffe import DEFAULT_TRUST_DOMAIN, parse_spiffe_id

_DEFAULT_URL = "https://localhost:8443"


@dataclass(frozen=True)
class ServiceCertificate:
    """What a service shows at its door."""

    peer: Peer
    not_after: datetime
    renew_at: datetime
    """When two thirds of its life are over."""

    @property
    def days_left(self) -> float:
        return (self.not_after - datetime.now(timezone.utc)) / timedelta(days=1)


@dataclass(frozen=True)
class SignedHash:
    signature: bytes
    """CMS SignedData with its time stamp (CAdES-B-T), detached, DER."""
    signature_id: str
    certificate_serial: str
    """Hex, lower case."""


@dataclass(frozen=True)
class CallDecision:
    """Whether one service may call another."""

    allowed: bool
    rule: str | None
    reason: str


class VCCPKIClient:
    """One service of one organisation. Every call of the network is over TLS that is verified under the root that was pinned at enrolment.

    - `service_id`, `organization`: who this is; the certificate names both (`spiffe://vcc.internal/org/<organization>/service/<service_id>`).
    - `pki_url`: the gateway. Default: the environment's PKI_SERVER_URL, else https://localhost:8443.
    - `storage_path`: the files are in `<storage_path>/<service_id>/`: `cert.pem` (full chain), `key.pem` (0600), `ca_chain.pem` (the roots).
    - `status_url`, `recall_url`: where revocation lists (`http://…:8081`) and recall lists are; None: what was kept is what is known.
    - `lists_fresh_seconds`: for how long revocation lists are not fetched again.

    Methods raise `PkiError`, whose `code` is stable. The class is safe to use from several threads."""

    def __init__(
        self,
        service_id: str,
        organization: str,
        *,
        pki_url: str | None = None,
        storage_path: str | os.PathLike[str] = "./pki_client",
        trust_domain: str = DEFAULT_TRUST_DOMAIN,
        status_url: str | None = None,
        recall_url: str | None = None,
        lists_fresh_seconds: float = 30.0,
    ) -> None:
        self.service_id = service_id
        self.organization = organization
        self.trust_domain = trust_domain
        self.service_uri = f"spiffe://{trust_domain}/org/{organization}/service/{service_id}"
        parse_spiffe_id(self.service_uri, trust_domain)
        self.pki_url = pki_url or os.environ.get("PKI_SERVER_URL") or _DEFAULT_URL
        self.files = IdentityFiles(Path(storage_path) / service_id)
        self._statements = KeptStatements(self.files.directory / "statements", status_url, recall_url, lists_fresh_seconds)

    # The identity.

    def enrol(self, token: str, ca_fingerprint: str, dns_names: Sequence[str] = (), ip_addresses: Sequence[str] = ()) -> Identity:
        """Obtains the first certificate with an enrolment token. `ca_fingerprint`: SHA-256 of the root, in hex. The key is made here and never
        sent. Names have to be those the token was made for. Raises CERTIFICATE_NOT_TRUSTED when the gateway is not under that root, and the
        gateway's refusals (ENROLMENT_TOKEN_INVALID, ENROLMENT_TOKEN_EXPIRED, ENROLMENT_TOKEN_USED, NAME_NOT_ALLOWED, …)."""
        return enrol(self.files, self.pki_url, self.service_uri, token, ca_fingerprint, dns_names, ip_addresses)

    def get_identity(self) -> Identity:
        """The certificate in force. Raises NOT_FOUND before enrolment."""
        return self.files.load()

    def renew(self) -> Identity:
        """Obtains the next certificate now, for the same names and a new key."""
        return renew(self.files, self.pki_url)

    def renew_if_due(self, now: datetime | None = None) -> bool:
        """Renews when two thirds of the certificate's life are over. True when it did."""
        if (now or datetime.now(timezone.utc)) < self.files.load().renew_at:
            return False
        self.renew()
        return True

    def refresh_ca_bundle(self) -> None:
        """Fetches the roots anew, over TLS that is verified under those in force, as when authorities roll over."""
        self.files.replace_bundle(
            roots_pem(certificates_in(self._gateway_call(lambda gateway: gateway.get("/api/v1/trust/bundle"))))
        )

    def get_certificate_paths(self) -> dict[str, str]:
        """Absolute paths of `key`, `cert` (full chain) and `ca`. Raises NOT_FOUND before enrolment."""
        self.files.load()
        files = {"key": self.files.key, "cert": self.files.certificate, "ca": self.files.bundle}
        return {name: str(file.resolve()) for name, file in files.items()}

    def get_ca_bundle_path(self) -> str:
        """Absolute path of the roots, in PEM. Raises NOT_FOUND before enrolment."""
        return self.get_certificate_paths()["ca"]

    def get_ssl_context(self, purpose: str = "client") -> ssl.SSLContext:
        """A context with this identity: `client` to call others (name of the host checked), `server` to be called (clients need a certificate).
        A server's context takes new certificates by itself; one for a client is as the files are now."""
        if purpose == "client":
            return client_context(self.files)
        if purpose == "server":
            return ReloadingServerContext(self.files).context
        raise PkiError("CONFIG_INVALID", "a context is for a client or a server")

    # Others.

    def peer_trust(self, require_revocation: bool = False) -> PeerTrust:
        """Whose certificates count as those of callers and services now."""
        identity = self.files.load()
        evidence, authorities = self._statements.revocation()
        between = [*identity.issuers, *authorities]
        return PeerTrust(identity.bundle, between, evidence, require_revocation, self.trust_domain)

    def verify_client_certificate(
        self, certificate: bytes | str, chain: Sequence[bytes] = (), *, require_revocation: bool = False
    ) -> Peer:
        """Who a client's certificate (PEM or DER) is of. Raises CERTIFICATE_NOT_TRUSTED, CALLER_REVOKED, CERTIFICATE_MALFORMED,
        CALLER_UNAUTHENTICATED. Whether the peer may do something is for the matrix to say."""
        return self.peer_trust(require_revocation).verify(certificate, chain)

    def check_vcc_service_cert(
        self, service_id: str, host: str, port: int, organization: str | None = None, timeout_seconds: float = 5.0
    ) -> ServiceCertificate:
        """Connects to a service, with this identity, and looks at what it shows: a certificate under the bundle, for the host, of that service.
        Raises PEER_UNAVAILABLE, CERTIFICATE_NOT_TRUSTED, CALLER_REVOKED, CALLER_NOT_ALLOWED when it is another service's."""
        try:
            with (
                socket.create_connection((host, port), timeout=timeout_seconds) as plain,
                client_context(self.files).wrap_socket(plain, server_hostname=host) as connection,
            ):
                der = connection.getpeercert(binary_form=True) or b""
        except ssl.SSLCertVerificationError as error:
            raise PkiError("CERTIFICATE_NOT_TRUSTED", f"{host}:{port}: {error.verify_message}") from error
        except OSError as error:
            raise PkiError("PEER_UNAVAILABLE", f"{host}:{port} cannot be reached: {error}") from error
        peer = self.peer_trust().verify(der, purpose=oids.SERVER_AUTH)
        wanted = f"spiffe://{self.trust_domain}/org/{organization or self.organization}/service/{service_id}"
        if peer.identity.uri != wanted:
            raise PkiError("CALLER_NOT_ALLOWED", f"{host}:{port} is {peer.identity.uri}, not {wanted}")
        life = peer.certificate.not_after - peer.certificate.not_before
        return ServiceCertificate(peer, peer.certificate.not_after, peer.certificate.not_before + life * 2 / 3)

    def check_communication(self, target_service: str, method: str | None = None, path: str | None = None) -> CallDecision:
        """Whether this service may call another, by the matrix of the PKI."""
        call = {"target_service": target_service, "method": method, "path": path}
        body = {name: value for name, value in call.items() if value is not None}
        answer = self._gateway_call(lambda gateway: gateway.post_json("/api/v1/vcc/communication/check", body))
        return CallDecision(answer.get("allowed") is True, answer.get("rule"), str(answer.get("reason", "")))

    # Artefacts.

    def verify_vcc_artifact(
        self,
        path: str | os.PathLike[str],
        expected_type: str | None = None,
        *,
        policy: TrustPolicy | str | os.PathLike[str],
        expected: Expected = Expected(),
        signature_file: str | os.PathLike[str] | None = None,
        trust: ArtefactTrust | None = None,
        grace: timedelta = timedelta(),
    ) -> VerifiedArtefact:
        """Whether a file or directory may be used: every check by its name and code, in `verdicts`. Use `.require()` to have it raise.

        `expected_type`: of the policy's types, the one that it has to be. `policy`: a trust policy, or a JSON file with one. `expected`: name,
        version, base model. `trust`: whom to believe; by default the bundle of this identity with the lists that are kept. `grace`: for how
        long a recall list counts after its end, where nobody can be reached. Nothing of the artefact leaves this machine."""
        if not isinstance(policy, TrustPolicy):
            policy = read_trust_policy(policy)
        if expected_type is not None:
            narrowed = tuple(type_ for type_ in policy.types if type_ == expected_type)
            policy = replace(policy, types=narrowed)
        if policy.recall is None and self._statements.knows_recalls:
            policy = replace(policy, recall="required")
        believed = trust or self.artefact_trust()
        there = observe_artefact(path, signature_file)
        digest = digest_text(there.observed.one_digest()[1])
        recall = self._statements.recall(digest, believed, grace) if digest else None
        return judge_artefact(there, believed, policy, expected, recall)

    def artefact_trust(self) -> ArtefactTrust:
        """The roots of this identity's bundle, for signers and time stamps, with the revocation lists that can be had or were kept."""
        bundle = self.files.load().bundle
        evidence, authorities = self._statements.revocation()
        return ArtefactTrust(bundle, bundle, authorities, evidence)

    def log_artifact_usage(self, signature_id: str, action: str, context: str = "", times: int = 1) -> dict[str, Any]:
        """Tells the PKI that a signed artefact was verified, loaded or refused here, `times` times. `context`: where, in your words. Returns how
        often each was said, by whom."""
        body: dict[str, Any] = {"action": action, "times": times, **({"context": context} if context else {})}
        path = f"/api/v1/sign/audit/{signature_id}/usage"
        answer = self._gateway_call(lambda gateway: gateway.post_json(path, body, str(uuid.uuid4())))
        return answer if isinstance(answer, dict) else {}

    # Signatures and time.

    def sign(self, hash_b64: str | bytes) -> SignedHash:
        """A signature of this service's over a SHA-256 digest, base64 or its 32 octets. Raises SIGNER_UNKNOWN and the like when an administrator has
        made this service no signer; fails closed."""
        digest = _digest_of(hash_b64)
        body = {"hash_b64": base64.b64encode(digest).decode(), "service_id": self.service_id}
        answer = self._gateway_call(lambda gateway: gateway.post_json("/api/v1/sign", body, str(uuid.uuid4())))
        return SignedHash(base64.b64decode(answer["signature_b64"]), answer["signature_id"], answer["cert_serial"])

    def timestamp(self, data: bytes | None = None, *, sha256: bytes | None = None) -> TimeStamp:
        """A time stamp over data, of which the digest alone is sent, or over a SHA-256 digest; it is verified before it is returned. Raises
        TIMESTAMP_REFUSED, TIMESTAMP_INVALID, PEER_UNAVAILABLE."""
        digest = _digest_over(data, sha256)
        nonce = new_nonce()
        query = build_request(digest, nonce=nonce)
        response = self._gateway_call(lambda gateway: gateway.post("/api/v1/tsa/timestamp", query, TIMESTAMP_QUERY))
        return verify_response(response, digest, self._stamp_trust(), nonce)

    def verify_timestamp(self, token: bytes, data: bytes | None = None, *, sha256: bytes | None = None) -> TimeStamp:
        """What a token (DER) proves about data or a digest. Asks nobody. Raises TIMESTAMP_INVALID."""
        return verify_token(token, _digest_over(data, sha256), self._stamp_trust())

    def _stamp_trust(self) -> StampTrust:
        identity = self.files.load()
        return StampTrust(identity.bundle, identity.issuers)

    def _gateway_call(self, call: Any) -> Any:
        gateway = Gateway(self.pki_url, client_context(self.files))
        try:
            return call(gateway)
        finally:
            gateway.close()


def _digest_of(hash_b64: str | bytes) -> bytes:
    try:
        digest = hash_b64 if isinstance(hash_b64, bytes) else base64.b64decode(hash_b64, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != 32:
        raise PkiError("REQUEST_MALFORMED", "a SHA-256 has 32 octets")
    return digest


def _digest_over(data: bytes | None, sha256: bytes | None) -> bytes:
    if (data is None) == (sha256 is None):
        raise PkiError("REQUEST_MALFORMED", "either data or its SHA-256")
    return hashlib.sha256(data).digest() if data is not None else _digest_of(sha256 or b"")
