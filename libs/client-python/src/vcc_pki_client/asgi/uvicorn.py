"""uvicorn with mutual TLS whose certificates can be exchanged while it runs, and which tells the application who connected. uvicorn itself has no place
for a client's certificate: the protocol class here puts it into the scope, as the ASGI TLS extension has it. Needs uvicorn (0.17 or newer)."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..client import VCCPKIClient
from ..pem import to_pem
from ..tls import ReloadingServerContext


class PeerCertificateProtocol(H11Protocol):
    """HTTP/1.1 with the ASGI TLS extension: `scope["extensions"]["tls"]` has `client_cert_chain` (PEM, the client's own first), `client_cert_name`,
    `client_cert_error`, `tls_version`, `cipher_suite` and `server_cert`."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        extension = tls_extension(transport.get_extra_info("ssl_object"))
        application = self.app

        async def with_peer(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"] = {**(scope.get("extensions") or {}), **({"tls": extension} if extension else {})}
            await application(scope, receive, send)

        self.app = with_peer


def tls_extension(connection: ssl.SSLObject | None) -> dict[str, Any] | None:
    """The ASGI TLS extension (version 0.2) of a connection; None when it is not one of TLS."""
    if connection is None:
        return None
    leaf = connection.getpeercert(binary_form=True)
    # Python 3.13 gives the chain as well; before that, what stands between comes from the server's own bundle.
    unverified = getattr(connection, "get_unverified_chain", None)
    chain = (list(unverified()) if unverified and leaf else None) or ([leaf] if leaf else [])
    return {
        "server_cert": None,
        "client_cert_chain": [to_pem([der]).decode() for der in chain],
        "client_cert_name": _name_of(connection.getpeercert()),
        "client_cert_error": None,
        "tls_version": {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}.get(connection.version() or ""),
        "cipher_suite": None,
    }


def _name_of(certificate: Any) -> str | None:
    """The subject (RFC 4514), for logs: who it is says the certificate's URI."""
    subject = (certificate or {}).get("subject") or ()
    return ",".join(f"{name}={value}" for rdn in reversed(subject) for name, value in rdn) or None


class MutualTlsConfig(uvicorn.Config):
    """uvicorn's configuration for a service with an identity: TLS under its certificate, every client with one of its own. WebSockets are off and headers
    of proxies are not believed, unless options say otherwise."""

    def __init__(self, app: Any, client: VCCPKIClient, *, certificate_required: bool = True, **options: Any) -> None:
        """`certificate_required`: False lets clients without a certificate in as far as the middleware, for its exempt paths. Options are those of
        `uvicorn.Config`, but for those about TLS and HTTP."""
        self.tls = ReloadingServerContext(client.files, certificate_required)
        super().__init__(app, http=PeerCertificateProtocol, **{"ws": "none", "proxy_headers": False, **options})

    def load(self) -> None:
        super().load()
        self.ssl = self.tls.context


def serve(app: Any, client: VCCPKIClient, **options: Any) -> None:
    """Runs an application until the process is told to stop. Certificates are exchanged by whoever renews them (`Renewal`, vcc-agent): the next
    handshake uses the new one, and connections that are open go on."""
    uvicorn.Server(MutualTlsConfig(app, client, **options)).run()


async def serve_async(app: Any, client: VCCPKIClient, **options: Any) -> None:
    """The same in a loop that runs already."""
    await asyncio.shield(uvicorn.Server(MutualTlsConfig(app, client, **options)).serve())
