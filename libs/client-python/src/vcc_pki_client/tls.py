"""TLS contexts of an identity. A server's context takes new files for the next handshake, without a restart and without dropping a connection."""

from __future__ import annotations

import os
import ssl
import threading
from typing import Any

from .errors import PkiError
from .identity_files import IdentityFiles


def client_context(files: IdentityFiles) -> ssl.SSLContext:
    """For calling other services: presents the identity, trusts the bundle alone, and checks the name of the host. Made of the files as they
    are now. Raises NOT_FOUND, CERTIFICATE_MALFORMED."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return _load(context, files)


def server_context(files: IdentityFiles, certificate_required: bool = True) -> ssl.SSLContext:
    """For serving: every client needs a certificate under the bundle, or, where it is not required, has none or such a one. Sessions are not
    resumed, or a client would not be looked at again. Made of the files as they are now; see `ReloadingServerContext`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED if certificate_required else ssl.CERT_OPTIONAL
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    return _load(context, files)


def bundle_context(bundle_pem: str) -> ssl.SSLContext:
    """For the first calls, before there is an identity: trusts these roots alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=bundle_pem)
    return context


def _load(context: ssl.SSLContext, files: IdentityFiles) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    files.load()
    for attempt in range(3):
        try:
            context.load_cert_chain(files.certificate, files.key)
            break
        except OSError as error:  # ssl.SSLError is one
            # Another process has exchanged one of the two files just now, and exchanges the other.
            if attempt == 2:
                raise PkiError("CERTIFICATE_MALFORMED", f"{files.certificate} and its key do not go together") from error
            files.load()
    try:
        context.load_verify_locations(files.bundle)
    except OSError as error:
        raise PkiError("CERTIFICATE_MALFORMED", f"{files.bundle} has no roots") from error
    return context


class ReloadingServerContext:
    """A server's context whose handshakes use the files as they are at that time: certificate, key and bundle. `context` is what servers take.

    Files are looked at when a handshake begins, by their times; what cannot be loaded leaves the contexts as they were, and `last_error` says
    why. Connections that are open go on."""

    def __init__(self, files: IdentityFiles, certificate_required: bool = True) -> None:
        self._files = files
        self._required = certificate_required
        self._lock = threading.Lock()
        self._seen = self._times()
        self._current = server_context(files, certificate_required)
        self.last_error: PkiError | None = None
        self.context = server_context(files, certificate_required)
        # Called for every handshake, whether the client names a host or not.
        self.context.sni_callback = self._choose

    def _choose(self, connection: Any, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self.current()

    def current(self) -> ssl.SSLContext:
        """The context for a handshake that begins now."""
        times = self._times()
        if times != self._seen:
            with self._lock:
                if times != self._seen:
                    try:
                        self._current = server_context(self._files, self._required)
                        self.last_error = None
                        self._seen = times
                    except PkiError as error:
                        self.last_error = error
        return self._current

    def _times(self) -> tuple[int, ...]:
        def time_of(file: os.PathLike[str]) -> int:
            try:
                return os.stat(file).st_mtime_ns
            except OSError:
                return 0

        return tuple(time_of(file) for file in (self._files.key, self._files.certificate, self._files.bundle))
