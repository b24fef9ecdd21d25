"""The same client for asyncio: each call of the network or the disk on another thread."""

from __future__ import annotations

import asyncio
import os
import ssl
from datetime import timedelta
from typing import Any, Sequence

from .artefact.comparison import Expected
from .artefact.signer_trust import ArtefactTrust
from .artefact.trust_policy import TrustPolicy
from .client import CallDecision, ServiceCertificate, SignedHash, VCCPKIClient
from .identity_files import Identity
from .peers import Peer
from .time_stamping import TimeStamp
from .verify_artefact import VerifiedArtefact


class AsyncVCCPKIClient:
    """`VCCPKIClient` with `await`. Paths and contexts are as they are there, at once: `client.sync.get_certificate_paths()`."""

    def __init__(self, service_id: str, organization: str, **options: Any) -> None:
        """Options are those of `VCCPKIClient`."""
        self.sync = VCCPKIClient(service_id, organization, **options)

    def get_certificate_paths(self) -> dict[str, str]:
        """As `VCCPKIClient.get_certificate_paths`."""
        return self.sync.get_certificate_paths()

    def get_ca_bundle_path(self) -> str:
        """As `VCCPKIClient.get_ca_bundle_path`."""
        return self.sync.get_ca_bundle_path()

    def get_ssl_context(self, purpose: str = "client") -> ssl.SSLContext:
        """As `VCCPKIClient.get_ssl_context`."""
        return self.sync.get_ssl_context(purpose)

    async def enrol(
        self, token: str, ca_fingerprint: str, dns_names: Sequence[str] = (), ip_addresses: Sequence[str] = ()
    ) -> Identity:
        """As `VCCPKIClient.enrol`."""
        return await asyncio.to_thread(self.sync.enrol, token, ca_fingerprint, dns_names, ip_addresses)

    async def renew(self) -> Identity:
        """As `VCCPKIClient.renew`."""
        return await asyncio.to_thread(self.sync.renew)

    async def renew_if_due(self) -> bool:
        """As `VCCPKIClient.renew_if_due`."""
        return await asyncio.to_thread(self.sync.renew_if_due)

    async def verify_client_certificate(
        self, certificate: bytes | str, chain: Sequence[bytes] = (), *, require_revocation: bool = False
    ) -> Peer:
        """As `VCCPKIClient.verify_client_certificate`."""
        return await asyncio.to_thread(
            self.sync.verify_client_certificate, certificate, chain, require_revocation=require_revocation
        )

    async def check_vcc_service_cert(
        self, service_id: str, host: str, port: int, organization: str | None = None
    ) -> ServiceCertificate:
        """As `VCCPKIClient.check_vcc_service_cert`."""
        return await asyncio.to_thread(self.sync.check_vcc_service_cert, service_id, host, port, organization)

    async def check_communication(self, target_service: str, method: str | None = None, path: str | None = None) -> CallDecision:
        """As `VCCPKIClient.check_communication`."""
        return await asyncio.to_thread(self.sync.check_communication, target_service, method, path)

    async def verify_vcc_artifact(
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
        """As `VCCPKIClient.verify_vcc_artifact`."""
        return await asyncio.to_thread(
            self.sync.verify_vcc_artifact,
            path,
            expected_type,
            policy=policy,
            expected=expected,
            signature_file=signature_file,
            trust=trust,
            grace=grace,
        )

    async def log_artifact_usage(self, signature_id: str, action: str, context: str = "", times: int = 1) -> dict[str, Any]:
        """As `VCCPKIClient.log_artifact_usage`."""
        return await asyncio.to_thread(self.sync.log_artifact_usage, signature_id, action, context, times)

    async def sign(self, hash_b64: str | bytes) -> SignedHash:
        """As `VCCPKIClient.sign`."""
        return await asyncio.to_thread(self.sync.sign, hash_b64)

    async def timestamp(self, data: bytes | None = None, *, sha256: bytes | None = None) -> TimeStamp:
        """As `VCCPKIClient.timestamp`."""
        return await asyncio.to_thread(self.sync.timestamp, data, sha256=sha256)

    async def verify_timestamp(self, token: bytes, data: bytes | None = None, *, sha256: bytes | None = None) -> TimeStamp:
        """As `VCCPKIClient.verify_timestamp`."""
        return await asyncio.to_thread(self.sync.verify_timestamp, token, data, sha256=sha256)
