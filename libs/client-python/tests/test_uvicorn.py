"""A real FastAPI application under uvicorn behind mutual TLS: who is let in, who is not, and certificates that are exchanged under load."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import uvicorn
from authority import NOW, ROOT, SERVICES, Authority, Issued, new_client, uri_of

from vcc_pki_client import MatrixFile, PkiError, VCCPKIClient
from vcc_pki_client.asgi import ProxyTrust
from vcc_pki_client.asgi.uvicorn import MutualTlsConfig

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
from fastapi_service import create_app

MATRIX = {
    "format": "vcc-matrix-1",
    "organisation": "brandenburg",
    "version": 1,
    "services": [{"name": name, "line": 1, "isolation": "normal"} for name in ("argus", "covina", "vpb")],
    "types": {},
    "rules": [
        {"id": "argus.allowed_outbound[0]", "line": 2, "effect": "allow", "source": "argus", "target": "covina"},
        {
            "id": "argus.denied_outbound[0]",
            "line": 3,
            "effect": "deny",
            "source": "argus",
            "target": "covina",
            "paths": ["/admin/**"],
        },
        {
            "id": "ingress.allowed_outbound[0]",
            "line": 4,
            "effect": "allow",
            "source": "ingress",
            "target": "covina",
            "paths": ["/whoami"],
        },
    ],
    "permissions": [],
}
STRANGERS = Authority("Services CA", Authority("Root"))


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("matrix") / "matrix.json"
    file.write_text(json.dumps(MATRIX))
    return file


class Running:
    """The sample service on a free port."""

    def __init__(self, client: VCCPKIClient, port: int, seen: list[dict[str, Any]]) -> None:
        self.client = client
        self.port = port
        self.seen = seen

    def context(self, issued: Issued | None, storage: Path) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=ROOT.pem.decode())
        if issued is not None:
            storage.mkdir(exist_ok=True)
            (storage / "c.pem").write_bytes(issued.chain_pem)
            (storage / "k.pem").write_bytes(issued.key_pem)
            context.load_cert_chain(storage / "c.pem", storage / "k.pem")
        return context

    def call(
        self, issued: Issued | None, storage: Path, path: str = "/whoami", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        with httpx.Client(verify=self.context(issued, storage), trust_env=False) as http:
            return http.get(f"https://localhost:{self.port}{path}", headers=headers or {})


@contextmanager
def running(
    storage: Path, matrix: Path, *, lists: bytes | None = None, certificate_required: bool = True, **options: Any
) -> Iterator[Running]:
    client = new_client(storage, "covina")
    if lists is not None:
        (client.files.directory / "statements").mkdir()
        (client.files.directory / "statements" / "bundle-with-crls.pem").write_bytes(lists)
    seen: list[dict[str, Any]] = []
    app = create_app(client, MatrixFile(matrix), seen=seen, remember_seconds=0, **options)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = MutualTlsConfig(app, client, certificate_required=certificate_required, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.01)
    try:
        yield Running(client, listening.getsockname()[1], seen)
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def covina(tmp_path_factory: pytest.TempPathFactory, matrix: Path) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("covina"), matrix) as service:
        yield service


@pytest.fixture(scope="module")
def open_covina(tmp_path_factory: pytest.TempPathFactory, matrix: Path) -> Iterator[Running]:
    """Clients without a certificate come as far as the middleware; so does a proxy on this host."""
    with running(
        tmp_path_factory.mktemp("open"),
        matrix,
        certificate_required=False,
        proxies=ProxyTrust(identities=[uri_of("ingress")]),
    ) as service:
        yield service


def code_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def test_who_is_allowed_is_let_in_and_known(covina: Running, tmp_path: Path) -> None:
    response = covina.call(SERVICES.issue("argus"), tmp_path)
    assert response.status_code == 200
    assert response.json() == {"caller": uri_of("argus"), "organization": "brandenburg", "tls": True}


def test_no_certificate_ends_the_handshake(covina: Running, tmp_path: Path) -> None:
    with pytest.raises(httpx.HTTPError):
        covina.call(None, tmp_path)


@pytest.mark.parametrize(
    "issued",
    [
        pytest.param(STRANGERS.issue("argus"), id="of another root"),
        pytest.param(SERVICES.issue("argus", not_after=NOW - timedelta(minutes=1)), id="expired"),
    ],
)
def test_wrong_certificates_end_the_handshake(covina: Running, tmp_path: Path, issued: Issued) -> None:
    with pytest.raises(httpx.HTTPError):
        covina.call(issued, tmp_path)


def test_whom_the_matrix_does_not_let_in(covina: Running, tmp_path: Path) -> None:
    assert code_of(covina.call(SERVICES.issue("vpb"), tmp_path)) == (403, "CALLER_NOT_ALLOWED")
    argus = SERVICES.issue("argus")
    assert code_of(covina.call(argus, tmp_path, "/admin/users")) == (403, "CALLER_NOT_ALLOWED")
    assert code_of(covina.call(argus, tmp_path, "/Admin/users")) == (403, "CALLER_NOT_ALLOWED")
    assert code_of(covina.call(argus, tmp_path, "/x/%2e%2e/admin")) == (403, "CALLER_NOT_ALLOWED")


def test_another_organisation_and_what_is_no_service(covina: Running, tmp_path: Path) -> None:
    foreign = SERVICES.issue("argus", uri=uri_of("argus", "sachsen"))
    assert code_of(covina.call(foreign, tmp_path)) == (403, "CALLER_NOT_ALLOWED")
    person = SERVICES.issue(uri="spiffe://vcc.internal/org/brandenburg/admin/anna")
    assert code_of(covina.call(person, tmp_path)) == (403, "CALLER_NOT_ALLOWED")
    nobody = SERVICES.issue(uri="https://argus.vcc.internal/")
    assert code_of(covina.call(nobody, tmp_path)) == (401, "CALLER_UNAUTHENTICATED")


def test_a_matrix_that_is_exchanged_counts_at_once(tmp_path: Path) -> None:
    file = tmp_path / "matrix.json"
    file.write_text(json.dumps(MATRIX))
    vpb = SERVICES.issue("vpb")
    with running(tmp_path / "covina", file) as covina:
        assert covina.call(vpb, tmp_path).status_code == 403
        rule = {"id": "vpb.allowed_outbound[0]", "line": 5, "effect": "allow", "source": "vpb", "target": "covina"}
        file.write_text(json.dumps({**MATRIX, "rules": [*MATRIX["rules"], rule]}))  # type: ignore[misc]
        assert covina.call(vpb, tmp_path).status_code == 200
        file.write_text("{")
        assert covina.call(vpb, tmp_path).status_code == 200


def test_a_certificate_that_is_revoked(tmp_path: Path, matrix: Path) -> None:
    argus, other = SERVICES.issue("argus"), SERVICES.issue("argus")
    lists = ROOT.pem + SERVICES.pem + ROOT.crl() + SERVICES.crl(argus)
    with running(tmp_path / "covina", matrix, lists=lists, require_revocation=True) as covina:
        assert code_of(covina.call(argus, tmp_path)) == (401, "CALLER_REVOKED")
        assert covina.call(other, tmp_path).status_code == 200


FORWARDED = ["client-cert", "x-ssl-client-cert", "x-client-certificate", "x-client-cert"]


def forwarding(name: str, issued: Issued) -> dict[str, str]:
    base64_der = base64.b64encode(issued.der).decode()
    return {name: f":{base64_der}:" if name == "client-cert" else base64_der}


@pytest.mark.parametrize("name", FORWARDED)
def test_a_header_does_not_make_somebody_else(covina: Running, open_covina: Running, tmp_path: Path, name: str) -> None:
    """Spoofed: by a service that may call, by one that may not, and by who has no certificate. The application does not see it either."""
    argus, vpb = SERVICES.issue("argus"), SERVICES.issue("vpb")
    response = covina.call(argus, tmp_path, headers=forwarding(name, vpb))
    assert response.json()["caller"] == uri_of("argus")
    assert name not in covina.seen[-1]
    assert code_of(covina.call(vpb, tmp_path, headers=forwarding(name, argus))) == (403, "CALLER_NOT_ALLOWED")
    assert code_of(open_covina.call(None, tmp_path, headers=forwarding(name, argus))) == (401, "CALLER_UNAUTHENTICATED")


@pytest.mark.parametrize("name", FORWARDED)
def test_a_proxy_may_forward_certificates(open_covina: Running, tmp_path: Path, name: str) -> None:
    argus, vpb, ingress = SERVICES.issue("argus"), SERVICES.issue("vpb"), SERVICES.issue("ingress")
    response = open_covina.call(ingress, tmp_path, headers=forwarding(name, argus))
    assert response.json()["caller"] == uri_of("argus")
    assert name not in open_covina.seen[-1]
    assert code_of(open_covina.call(ingress, tmp_path, headers=forwarding(name, vpb))) == (403, "CALLER_NOT_ALLOWED")
    expired = SERVICES.issue("argus", not_after=NOW - timedelta(minutes=1))
    assert code_of(open_covina.call(ingress, tmp_path, headers=forwarding(name, expired))) == (401, "CERTIFICATE_NOT_TRUSTED")
    forged = STRANGERS.issue("argus")
    assert code_of(open_covina.call(ingress, tmp_path, headers=forwarding(name, forged))) == (401, "CERTIFICATE_NOT_TRUSTED")


def test_a_proxy_that_forwards_nothing_is_nobody(open_covina: Running, tmp_path: Path) -> None:
    ingress = SERVICES.issue("ingress")
    assert code_of(open_covina.call(ingress, tmp_path)) == (401, "CALLER_UNAUTHENTICATED")
    escaped = {"x-ssl-client-cert": quote("-----BEGIN CERTIFICATE-----\nAAAA\n")}
    assert code_of(open_covina.call(ingress, tmp_path, headers=escaped)) == (400, "REQUEST_MALFORMED")


def test_exempt_paths_alone_need_no_certificate(open_covina: Running, tmp_path: Path) -> None:
    assert open_covina.call(None, tmp_path, "/health").json() == {"status": "healthy"}
    assert open_covina.call(None, tmp_path, "/health/").status_code in (200, 307, 404)
    for path in ("/whoami", "/health/../whoami", "/healthy", "/HEALTH", "/"):
        assert code_of(open_covina.call(None, tmp_path, path)) == (401, "CALLER_UNAUTHENTICATED")


def test_a_service_is_who_it_should_be(covina: Running, tmp_path: Path) -> None:
    argus = new_client(tmp_path, "argus")
    shown = argus.check_vcc_service_cert("covina", "localhost", covina.port)
    assert shown.peer.service_id == "covina"
    assert 0 < shown.days_left <= 1
    with pytest.raises(PkiError, match="CALLER_NOT_ALLOWED"):
        argus.check_vcc_service_cert("veritas", "localhost", covina.port)
    with pytest.raises(PkiError, match="CERTIFICATE_NOT_TRUSTED"):
        stranger = new_client(tmp_path / "stranger", "argus")
        stranger.files.bundle.write_bytes(STRANGERS.parent.pem if STRANGERS.parent else b"")
        stranger.check_vcc_service_cert("covina", "localhost", covina.port)
    with pytest.raises(PkiError, match="PEER_UNAVAILABLE"):
        argus.check_vcc_service_cert("covina", "localhost", 1)


def served_serial(service: Running, storage: Path) -> int:
    context = service.context(SERVICES.issue("argus"), storage)
    with (
        socket.create_connection(("127.0.0.1", service.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        return int((tls.getpeercert() or {})["serialNumber"], 16)


def test_certificates_are_exchanged_under_load_without_a_failed_call(tmp_path: Path, matrix: Path) -> None:
    """Four clients call on connections that stay open, four on new ones for each call, while the certificate is renewed again and again."""
    with running(tmp_path / "covina", matrix) as covina:
        context = covina.context(SERVICES.issue("argus"), tmp_path)
        url = f"https://localhost:{covina.port}/whoami"
        failures: list[str] = []
        calls = [0, 0]
        done = threading.Event()

        def keep_calling(fresh: bool) -> None:
            http = httpx.Client(verify=context, trust_env=False)
            while not done.is_set():
                try:
                    response = httpx.get(url, verify=context, trust_env=False) if fresh else http.get(url)
                    if response.status_code != 200:
                        failures.append(response.text)
                    calls[fresh] += 1
                except httpx.HTTPError as error:
                    failures.append(repr(error))
            http.close()

        threads = [threading.Thread(target=keep_calling, args=(i % 2 == 1,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for _ in range(10):
            following = SERVICES.issue("covina")
            covina.client.files.install(following.key_pem, following.chain_pem, ROOT.pem)
            assert served_serial(covina, tmp_path / "probe") == following.certificate.serial_number
        done.set()
        for thread in threads:
            thread.join()
        assert failures == []
        assert min(calls) > 10
