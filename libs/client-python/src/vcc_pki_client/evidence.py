"""What anybody may fetch about certificates and artefacts: revocation lists and recall lists. What was fetched is kept, for when nobody can be
reached; each statement is signed and says until when it counts, so that where it comes from does not matter."""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import httpx

from .artefact.bundle import parse_bundle
from .artefact.recall import RecallEvidence, parse_recall_list, recall_shard_of, verify_recall_list
from .artefact.signer_trust import ArtefactTrust
from .errors import PkiError
from .identity_files import write_file
from .pem import certificates_in, lists_in
from .x509.certificate import Certificate
from .x509.crl import CertificateList
from .x509.revocation import RevocationEvidence

_MAX_OCTETS = 64 * 1024 * 1024
_TIMEOUT_SECONDS = 5.0
_LISTS, _LISTS_PATH = "bundle-with-crls.pem", "/trust/bundle-with-crls.pem"


class KeptStatements:
    """Signed statements in a directory of this user's. `status_url`: where the ocsp service answers (`http://127.0.0.1:8081`); `recall_url`: where
    the signing service does. What cannot be fetched is what was kept; what was never there is not known."""

    def __init__(
        self,
        directory: str | os.PathLike[str],
        status_url: str | None = None,
        recall_url: str | None = None,
        fresh_seconds: float = 30.0,
    ) -> None:
        self._directory = Path(directory)
        self._status_url = status_url
        self._recall_url = recall_url
        self._lock = threading.Lock()
        self._lists: tuple[RevocationEvidence | None, list[Certificate]] = (None, [])
        self._fresh_seconds = fresh_seconds
        self._fetched_at: float | None = None
        self.problems: list[str] = []
        """Who could not be reached the last time, and why."""

    @property
    def knows_recalls(self) -> bool:
        """Whether it is known where recall lists are."""
        return self._recall_url is not None

    def revocation(self) -> tuple[RevocationEvidence | None, list[Certificate]]:
        """Lists of all authorities, and the authorities' certificates, which are not trusted; None when there are none. They are fetched every
        `fresh_seconds` at most. Raises CRL_MALFORMED for what was kept and is none."""
        with self._lock:
            now = time.monotonic()
            if self._fetched_at is None or now - self._fetched_at >= self._fresh_seconds:
                self._lists = self._read_lists()
                self._fetched_at = now
            return self._lists

    def _read_lists(self) -> tuple[RevocationEvidence | None, list[Certificate]]:
        octets = self._fetch(self._status_url, _LISTS_PATH)
        crls = _lists_or_none(octets)
        if octets is not None and crls:
            self._keep(_LISTS, octets)
        else:
            octets = self._kept(_LISTS)
            crls = lists_in(octets) if octets else []
        if not octets or not crls:
            return None, []
        return RevocationEvidence(crls), certificates_in(octets)

    def recall(self, artefact_digest: str, trust: ArtefactTrust, grace: timedelta = timedelta()) -> RecallEvidence | None:
        """The recall list of an artefact's shard; None when there is none. One that is fetched is kept when it is by the signing service and
        counts, so that an older one is not taken afterwards."""
        shard = f"{recall_shard_of(artefact_digest):x}"
        name = f"recall-{shard}.json"
        kept = self._kept(name)
        now = datetime.now(timezone.utc)
        fetched = self._fetch(self._recall_url, f"/recall/{shard}.json")
        if fetched is None:
            return None if kept is None else RecallEvidence(kept, now, grace)
        evidence = RecallEvidence(fetched, now, grace, _number_of(kept))
        if all(check.ok for check in verify_recall_list(evidence, trust)[0]):
            self._keep(name, fetched)
        return evidence

    def _fetch(self, url: str | None, path: str) -> bytes | None:
        """None when there is nobody to ask, or nobody answers."""
        if url is None:
            return None
        try:
            with httpx.stream("GET", url.rstrip("/") + path, timeout=_TIMEOUT_SECONDS, trust_env=False) as response:
                response.raise_for_status()
                octets = b""
                for chunk in response.iter_bytes():
                    octets += chunk
                    if len(octets) > _MAX_OCTETS:
                        raise PkiError("REQUEST_TOO_LARGE", f"{url}{path} is too long")
        except httpx.HTTPError as error:
            self.problems = [f"{url}{path}: {error or type(error).__name__}"]
            return None
        self.problems = []
        return octets

    def _keep(self, name: str, octets: bytes) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(self._directory / name, octets)

    def _kept(self, name: str) -> bytes | None:
        try:
            return (self._directory / name).read_bytes()
        except FileNotFoundError:
            return None


def _lists_or_none(octets: bytes | None) -> list[CertificateList]:
    """What cannot be read is not taken for what was kept."""
    try:
        return lists_in(octets or b"")
    except PkiError:
        return []


def _number_of(octets: bytes | None) -> int:
    """Of a list that was kept; 0 for none."""
    try:
        return parse_recall_list(parse_bundle(octets or b"").envelope.payload).number
    except PkiError:
        return 0
