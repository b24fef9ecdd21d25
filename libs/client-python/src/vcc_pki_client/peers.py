"""Who calls, by the certificate: judged anew, whoever showed it."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Callable, Sequence

from .asn1 import oids
from .errors import PkiError
from .pem import pem_ders
from .x509.certificate import Certificate, parse_certificate
from .x509.path import validate_path
from .x509.revocation import RevocationEvidence
from .x509.spiffe import DEFAULT_TRUST_DOMAIN, SpiffeId, identity_of

_MAX_REMEMBERED = 4096


@dataclass(frozen=True)
class Peer:
    """A caller whose certificate holds now."""

    identity: SpiffeId
    certificate: Certificate

    @property
    def service_id(self) -> str:
        return self.identity.id

    @property
    def organization(self) -> str | None:
        return self.identity.organisation


@dataclass(frozen=True)
class PeerTrust:
    """Whose certificates count: roots, what may stand in between, and what is known of revocation."""

    anchors: Sequence[Certificate]
    intermediates: Sequence[Certificate] = ()
    revocation: RevocationEvidence | None = None
    require_revocation: bool = False
    """Whether a certificate of which nothing shows that it was not revoked is refused."""
    trust_domain: str = DEFAULT_TRUST_DOMAIN

    def verify(
        self,
        certificate: bytes | str,
        chain: Sequence[bytes] = (),
        *,
        purpose: str = oids.CLIENT_AUTH,
        at: datetime | None = None,
    ) -> Peer:
        """Who this certificate (PEM or DER) is of. `chain`: what came along, in DER, which is not trusted. Raises CERTIFICATE_MALFORMED,
        CALLER_REVOKED, CERTIFICATE_NOT_TRUSTED with the reasons in its details, CALLER_UNAUTHENTICATED for one that names nobody."""
        leaf = parse_certificate(to_der(certificate))
        candidates = [*(parse_certificate(der) for der in chain), *self.intermediates]
        now = at or datetime.now(timezone.utc)
        result = validate_path(
            leaf,
            candidates,
            self.anchors,
            now,
            purpose=purpose,
            revocation=self.revocation,
            require_revocation=self.require_revocation,
        )
        if not result.ok:
            reasons = sorted({fault.reason for fault in result.faults})
            code = "CALLER_REVOKED" if "revoked" in reasons else "CERTIFICATE_NOT_TRUSTED"
            raise PkiError(code, "; ".join(map(str, result.faults)), {"reasons": ", ".join(reasons)})
        identity = identity_of(leaf, self.trust_domain)
        if identity is None:
            raise PkiError("CALLER_UNAUTHENTICATED", "the certificate does not name one identity of the trust domain")
        return Peer(identity, leaf)


def to_der(certificate: bytes | str) -> bytes:
    """DER of a certificate that is PEM or DER. Raises CERTIFICATE_MALFORMED."""
    octets = certificate.encode() if isinstance(certificate, str) else certificate
    if octets[:1] == b"\x30":
        return octets
    ders = pem_ders(octets, "CERTIFICATE")
    if not ders:
        raise PkiError("CERTIFICATE_MALFORMED", "neither PEM nor DER")
    return ders[0]


class RememberedPeers:
    """Asks about a certificate once in a while and not for every call. What is refused is asked about again each time."""

    def __init__(
        self, trust: Callable[[], PeerTrust], seconds: float = 30.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`trust` gives what counts now; it is asked whenever a certificate is looked at. `seconds`: for how long one is good without that."""
        self._trust = trust
        self._seconds = seconds
        self._monotonic = monotonic
        self._known: dict[bytes, tuple[Peer, float]] = {}
        self._lock = threading.Lock()

    def find(self, der: bytes) -> Peer | None:
        """Who was good a moment ago; None when that is to be asked. One that ends in the meantime is not good any more."""
        known = self._known.get(hashlib.sha256(der).digest())
        if known is None or self._monotonic() >= known[1] or datetime.now(timezone.utc) > known[0].certificate.not_after:
            return None
        return known[0]

    def verify(self, der: bytes, chain: Sequence[bytes] = ()) -> Peer:
        """As `PeerTrust.verify`; asks the network when lists have to be fetched. What is refused is not remembered."""
        until = self._monotonic() + self._seconds
        peer = self._trust().verify(der, chain)
        with self._lock:
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            self._known[hashlib.sha256(der).digest()] = (peer, until)
        return peer
