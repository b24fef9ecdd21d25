"""The files of one identity: `<storage>/<service_id>/{cert.pem,key.pem,ca_chain.pem}`. What stands there is whole and goes together, whatever
happens while it is exchanged; keys are for this user alone."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from .certificate_request import build_certificate_request, new_private_key
from .errors import PkiError
from .pem import certificates_in, pem_blocks
from .x509.certificate import Certificate

CERTIFICATE_FILE, KEY_FILE, BUNDLE_FILE = "cert.pem", "key.pem", "ca_chain.pem"
_FILES = (KEY_FILE, CERTIFICATE_FILE, BUNDLE_FILE)
# A new identity that is complete and not yet in place, and the key of one that was asked for.
_NEXT, _PENDING = "next", "pending.pem"
_PRIVATE = 0o600


@dataclass(frozen=True)
class Identity:
    """An identity in force: the certificate, the issuers that came with it, and the bundle it was issued under."""

    certificate: Certificate
    issuers: tuple[Certificate, ...]
    bundle: tuple[Certificate, ...]

    @property
    def renew_at(self) -> datetime:
        """When two thirds of its life are over."""
        life: timedelta = self.certificate.not_after - self.certificate.not_before
        return self.certificate.not_before + life * 2 / 3


@dataclass(frozen=True)
class Pending:
    """A key and a request that were made and not yet answered. Who asks again asks the same."""

    request_id: str
    key_pem: bytes
    csr_pem: bytes


class IdentityFiles:
    """Reads and exchanges the files. One process writes; any number read."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)

    @property
    def certificate(self) -> Path:
        """Full chain: the certificate first, without the root."""
        return self.directory / CERTIFICATE_FILE

    @property
    def key(self) -> Path:
        """PKCS#8, not encrypted, as uvicorn, nginx and curl want it; readable by this user alone."""
        return self.directory / KEY_FILE

    @property
    def bundle(self) -> Path:
        """The roots that are trusted."""
        return self.directory / BUNDLE_FILE

    def load(self) -> Identity:
        """The identity in force, after an exchange that was broken off has been finished. Raises NOT_FOUND when there is none,
        CERTIFICATE_MALFORMED, FILE_UNREADABLE."""
        self._finish_exchange()
        chain = certificates_in(_read(self.certificate))
        if not chain:
            raise PkiError("CERTIFICATE_MALFORMED", f"{self.certificate} has no certificate")
        return Identity(chain[0], tuple(chain[1:]), tuple(certificates_in(_read(self.bundle))))

    def exists(self) -> bool:
        self._finish_exchange()
        return self.certificate.is_file()

    def pending(self, service_uri: str, dns_names: list[str], ip_addresses: list[str]) -> Pending:
        """The request that was made last and not answered, or a new one with a new key, which is on the disk before anybody sees it."""
        file = self.directory / _PENDING
        if file.is_file():
            octets = _read(file)
            blocks = pem_blocks(octets)
            if set(blocks) == {"PRIVATE KEY", "CERTIFICATE REQUEST"}:
                head = octets.split(b"\n", 1)[0].decode("ascii", "replace")
                return Pending(head.removeprefix("request_id: "), blocks["PRIVATE KEY"][0], blocks["CERTIFICATE REQUEST"][0])
        key_pem = new_private_key()
        request = Pending(str(uuid.uuid4()), key_pem, build_certificate_request(key_pem, service_uri, dns_names, ip_addresses))
        self._make_directory()
        write_file(file, f"request_id: {request.request_id}\n".encode() + request.key_pem + request.csr_pem)
        return request

    def forget_pending(self) -> None:
        """The request was refused for good: the next one has a new key."""
        (self.directory / _PENDING).unlink(missing_ok=True)

    def install(self, key_pem: bytes, chain_pem: bytes, bundle_pem: bytes) -> Identity:
        """Exchanges all three files. From when this returns they are in force; a crash leaves the old ones or, after the next `load`, the
        new ones. Raises CERTIFICATE_MALFORMED when key and certificate do not go together: then nothing has changed."""
        chain = certificates_in(chain_pem)
        if not chain or _spki_of(key_pem) != chain[0].spki_der:
            raise PkiError("CERTIFICATE_MALFORMED", "the certificate is not for the key that was asked for")
        if not certificates_in(bundle_pem):
            raise PkiError("CERTIFICATE_MALFORMED", "the trust bundle is empty")
        self._make_directory()
        making = self.directory / f"{_NEXT}.{uuid.uuid4().hex}"
        making.mkdir(mode=0o700)
        for name, octets in ((KEY_FILE, key_pem), (CERTIFICATE_FILE, chain_pem), (BUNDLE_FILE, bundle_pem)):
            write_file(making / name, octets)
        # From here on the new identity is complete: who finds it finishes.
        _discard(self.directory / _NEXT)
        os.replace(making, self.directory / _NEXT)
        _sync(self.directory)
        self._finish_exchange()
        self.forget_pending()
        return self.load()

    def replace_bundle(self, bundle_pem: bytes) -> None:
        """Exchanges the roots alone."""
        if not certificates_in(bundle_pem):
            raise PkiError("CERTIFICATE_MALFORMED", "the trust bundle is empty")
        write_file(self.bundle, bundle_pem)

    def _finish_exchange(self) -> None:
        following = self.directory / _NEXT
        if not following.is_dir():
            return
        for name in _FILES:
            with suppress(FileNotFoundError):  # already in place, or another process is as far
                os.replace(following / name, self.directory / name)
        _sync(self.directory)
        _discard(following)

    def _make_directory(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def _spki_of(key_pem: bytes) -> bytes:
    public = load_pem_private_key(key_pem, None).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise PkiError("NOT_FOUND", f"there is no {file}: enrol first", {"file": str(file)}) from None
    except OSError as error:
        raise PkiError("FILE_UNREADABLE", f"cannot read {file} ({error.strerror})", {"file": str(file)}) from error


def write_file(file: Path, octets: bytes) -> None:
    """All of it or nothing, and on the disk; for this user alone from the first octet on."""
    making = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    try:
        descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
        with os.fdopen(descriptor, "wb") as target:
            target.write(octets)
            target.flush()
            os.fsync(target.fileno())
        os.replace(making, file)
    except OSError as error:
        making.unlink(missing_ok=True)
        raise PkiError("FILE_UNWRITABLE", f"cannot write {file} ({error.strerror})", {"file": str(file)}) from error
    _sync(file.parent)


def _sync(directory: Path) -> None:
    """A rename lasts when its directory is on the disk. Windows has no such call and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _discard(directory: Path) -> None:
    with suppress(FileNotFoundError):
        for file in directory.iterdir():
            file.unlink(missing_ok=True)
        directory.rmdir()
