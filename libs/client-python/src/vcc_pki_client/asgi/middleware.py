"""Who calls, and whether they may: pure ASGI, for FastAPI, Starlette and whatever else speaks it. Default deny."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any, Awaitable, Callable, MutableMapping, Sequence

from ..client import VCCPKIClient
from ..errors import PkiError
from ..matrix import Matrix, MatrixFile, parse_path
from ..peers import Peer, RememberedPeers, to_der
from .proxy import ProxyTrust, forwarded_certificate, without_certificates

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger("vcc_pki_client")

_PEER = "vcc.peer"

# Statuses by code, as libs/errors has them; what is wrong with a certificate is the caller's not being known.
_STATUS = {
    "CALLER_UNAUTHENTICATED": 401,
    "CALLER_REVOKED": 401,
    "CERTIFICATE_NOT_TRUSTED": 401,
    "CERTIFICATE_MALFORMED": 400,
    "REQUEST_MALFORMED": 400,
    "CALLER_NOT_ALLOWED": 403,
}


def peer_of(scope: Scope) -> Peer:
    """Who calls, for handlers: `peer_of(request.scope)`. Raises CALLER_UNAUTHENTICATED on a path that is exempt."""
    peer = scope.get(_PEER)
    if not isinstance(peer, Peer):
        raise PkiError("CALLER_UNAUTHENTICATED", "nobody was asked for a certificate here")
    return peer


class PeerMiddleware:
    """Lets in whom the matrix lets in.

        app.add_middleware(PeerMiddleware, client=client, matrix=MatrixFile("matrix.json"), exempt=["/health"])

    The caller's certificate is that of the TLS connection (ASGI TLS extension: see `asgi.uvicorn`), or what a proxy of `proxies` forwards; headers that
    forward certificates are taken from every request. It is judged under the client's trust bundle and lists, and remembered for `remember_seconds`.

    `matrix`: whom the matrix lets call this service; None: every workload of the own organisation. `administrators`: whether administrators of the own
    organisation are let in, too. `exempt`: paths that need no certificate (`/health`), compared with the whole path, without wildcards."""

    def __init__(
        self,
        app: Application,
        *,
        client: VCCPKIClient,
        matrix: Matrix | MatrixFile | None = None,
        proxies: ProxyTrust = ProxyTrust(),
        exempt: Sequence[str] = (),
        administrators: bool = False,
        require_revocation: bool = False,
        remember_seconds: float = 30.0,
    ) -> None:
        self._app = app
        self._client = client
        self._matrix = matrix
        self._proxies = proxies
        self._exempt = {parse_path(path) for path in exempt}
        self._administrators = administrators
        self._peers = RememberedPeers(lambda: client.peer_trust(require_revocation), remember_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):  # lifespan
            await self._app(scope, receive, send)
            return
        try:
            admitted = await self._admit(scope)
        except PkiError as error:
            _log.info("call refused", extra={"code": error.code, "path": scope.get("path"), "reason": error.message})
            await _refuse(scope, send, error)
            return
        await self._app(admitted, receive, send)

    async def _admit(self, scope: Scope) -> Scope:
        """The scope as the application may see it: who calls, and no header in which somebody could say otherwise."""
        headers = scope.get("headers", [])
        admitted = {**scope, "headers": without_certificates(headers)}
        admitted.pop(_PEER, None)
        path = _raw_path(scope)
        if _is_exempt(path, self._exempt):
            return admitted
        peer = await self._peer(scope, headers)
        self._require_allowed(peer, scope.get("method", "GET"), path)
        admitted[_PEER] = peer
        return admitted

    async def _peer(self, scope: Scope, headers: Sequence[tuple[bytes, bytes]]) -> Peer:
        chain = (scope.get("extensions") or {}).get("tls", {}).get("client_cert_chain") or []
        connected = await self._verify([to_der(each) for each in chain]) if chain else None
        address = (scope.get("client") or (None,))[0]
        if self._proxies.admits(connected.identity.uri if connected else None, address):
            forwarded = forwarded_certificate(headers)
            if forwarded is None:
                raise PkiError("CALLER_UNAUTHENTICATED", "the proxy forwards no certificate")
            return await self._verify(forwarded)
        if connected is None:
            raise PkiError("CALLER_UNAUTHENTICATED", "a client certificate is needed")
        return connected

    async def _verify(self, chain: Sequence[bytes]) -> Peer:
        """On another thread when it is not remembered: lists may have to be fetched."""
        known = self._peers.find(chain[0])
        return known if known is not None else await asyncio.to_thread(self._peers.verify, chain[0], chain[1:])

    def _require_allowed(self, peer: Peer, method: str, path: str) -> None:
        identity = peer.identity
        if identity.organisation != self._client.organization:
            raise PkiError("CALLER_NOT_ALLOWED", f"{identity.uri} is of another organisation")
        if identity.kind == "admin" and self._administrators:
            return
        if identity.kind != "workload":
            raise PkiError("CALLER_NOT_ALLOWED", f"{identity.uri} is no service")
        if self._matrix is None:
            return
        matrix = self._matrix.current() if isinstance(self._matrix, MatrixFile) else self._matrix
        if matrix.organization != self._client.organization:
            raise PkiError("CALLER_NOT_ALLOWED", "the matrix is another organisation's")
        decision = matrix.decide(identity.id, self._client.service_id, method, path)
        if not decision.allowed:
            raise PkiError("CALLER_NOT_ALLOWED", decision.text, {"reason": decision.reason})


def _raw_path(scope: Scope) -> str:
    """The path as it came in: what a server decoded is not what rules are about."""
    raw = scope.get("raw_path")
    if isinstance(raw, bytes):
        return raw.decode("latin-1")
    return str(scope.get("path", ""))


def _is_exempt(path: str, exempt: set[tuple[str, ...]]) -> bool:
    try:
        return parse_path(path) in exempt
    except PkiError:
        return False


async def _refuse(scope: Scope, send: Send, error: PkiError) -> None:
    """A problem document (RFC 9457), or a WebSocket that is closed before it was opened."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": error.code})
        return
    status = _STATUS.get(error.code, 403)
    problem = {
        "type": f"urn:pki:error:{error.code}",
        "title": error.code,
        "status": status,
        "detail": error.message,
        "code": error.code,
    }
    body = json.dumps(problem).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
