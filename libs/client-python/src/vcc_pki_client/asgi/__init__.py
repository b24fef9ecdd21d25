"""Mutual TLS for ASGI services (FastAPI, Starlette and others): who calls, and whether they may."""

from .middleware import PeerMiddleware, peer_of
from .proxy import ProxyTrust

__all__ = ["PeerMiddleware", "ProxyTrust", "peer_of"]
