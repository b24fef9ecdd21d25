"""A FastAPI service with an identity: run it with `python fastapi_service.py`, after enrolment.

Everybody who calls needs a certificate; the matrix says who may call. Certificates renew themselves while it runs."""

from __future__ import annotations

import os
from typing import Any

from fastapi import FastAPI, Request

from vcc_pki_client import Matrix, MatrixFile, Renewal, VCCPKIClient
from vcc_pki_client.asgi import PeerMiddleware, peer_of
from vcc_pki_client.asgi.uvicorn import serve


def create_app(
    client: VCCPKIClient, matrix: Matrix | MatrixFile | None, seen: list[dict[str, Any]] | None = None, **options: Any
) -> FastAPI:
    app = FastAPI()
    app.add_middleware(PeerMiddleware, client=client, matrix=matrix, exempt=["/health"], **options)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "healthy"}

    @app.get("/whoami")
    def whoami(request: Request) -> dict[str, Any]:
        caller = peer_of(request.scope)
        if seen is not None:
            seen.append(dict(request.headers))
        return {"caller": caller.identity.uri, "organization": caller.organization, "tls": "tls" in request.scope["extensions"]}

    return app


if __name__ == "__main__":
    # For how long what is known of a caller's certificate is not asked again.
    fresh_seconds = float(os.environ.get("FRESH_SECONDS", "30"))
    client = VCCPKIClient(
        os.environ.get("SERVICE_ID", "covina"),
        os.environ.get("ORGANIZATION", "brandenburg"),
        status_url=os.environ.get("STATUS_URL"),
        lists_fresh_seconds=fresh_seconds,
    )
    matrix = MatrixFile(os.environ["MATRIX"]) if "MATRIX" in os.environ else None
    Renewal(client).start()
    app = create_app(client, matrix, remember_seconds=fresh_seconds)
    serve(app, client, port=int(os.environ.get("PORT", "8000")))
