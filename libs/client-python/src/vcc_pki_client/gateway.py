"""Calls of the gateway: JSON over verified TLS, refusals as PkiError."""

from __future__ import annotations

import re
import ssl
from typing import Any, Mapping

import httpx

from .errors import PkiError

_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,63}")
_MAX_ANSWER_OCTETS = 4 * 1024 * 1024


class Gateway:
    """One gateway, spoken to with one TLS context. Proxies and certificates that the environment names are not used."""

    def __init__(self, url: str, context: ssl.SSLContext, timeout_seconds: float = 30.0) -> None:
        if not url.startswith("https://"):
            raise PkiError("CONFIG_INVALID", f"{url} is no https URL")
        self._client = httpx.Client(base_url=url.rstrip("/"), verify=context, timeout=timeout_seconds, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def get(self, path: str) -> bytes:
        return self._call("GET", path)

    def get_json(self, path: str) -> Any:
        return _json(self._call("GET", path, {"accept": "application/json"}))

    def post_json(self, path: str, body: Mapping[str, Any], request_id: str | None = None) -> Any:
        """`request_id`: repeats with the same one and the same content return the first answer."""
        headers = {"accept": "application/json", **({"idempotency-key": request_id} if request_id else {})}
        return _json(self._call("POST", path, headers, json=body))

    def post(self, path: str, content: bytes, content_type: str) -> bytes:
        return self._call("POST", path, {"content-type": content_type}, content=content)

    def _call(self, method: str, path: str, headers: Mapping[str, str] | None = None, **body: Any) -> bytes:
        """Raises PEER_UNAVAILABLE when nobody answers or the peer is not who it should be, and what the gateway refuses by its code."""
        try:
            with self._client.stream(method, path, headers=dict(headers or {}), **body) as response:
                octets = b""
                for chunk in response.iter_bytes():
                    octets += chunk
                    if len(octets) > _MAX_ANSWER_OCTETS:
                        raise PkiError("REQUEST_TOO_LARGE", f"the answer of {path} is too long")
                if response.status_code >= 400:
                    raise _problem(response.status_code, octets)
                return octets
        except httpx.HTTPError as error:
            raise PkiError("PEER_UNAVAILABLE", f"{self._client.base_url} cannot be reached: {error}") from error


def _json(octets: bytes) -> Any:
    if not octets:
        return None
    try:
        return httpx.Response(200, content=octets).json()
    except ValueError as error:
        raise PkiError("PEER_UNAVAILABLE", "the gateway answers with something else than JSON") from error


def _problem(status: int, octets: bytes) -> PkiError:
    """A problem document (RFC 9457) with its code, or what can be said without one."""
    try:
        problem = httpx.Response(200, content=octets).json()
    except ValueError:
        problem = None
    if isinstance(problem, dict) and isinstance(problem.get("code"), str) and _CODE.fullmatch(problem["code"]):
        details = problem.get("details")
        known = {**(details if isinstance(details, dict) else {}), "status": status, "trace_id": problem.get("trace_id")}
        return PkiError(problem["code"], str(problem.get("detail", "")), known)
    return PkiError("PEER_UNAVAILABLE", f"the gateway answers with status {status}", {"status": status})
