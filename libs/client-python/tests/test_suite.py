"""From a token to services that call each other, before a whole running suite. tools/e2e/test/python-sdk.test.ts starts it and says in VCC_SUITE where
it is."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from vcc_pki_client import Matrix, PkiError, VCCPKIClient
from vcc_pki_client.identity_files import IdentityFiles
from vcc_pki_client.pem import certificates_in

if "VCC_SUITE" not in os.environ:
    pytest.skip("VCC_SUITE names no suite: run ./pki test tools/e2e/test/python-sdk", allow_module_level=True)
SUITE = json.loads(os.environ["VCC_SUITE"])
(ROOT,) = certificates_in(Path(SUITE["root"]).read_bytes())
FINGERPRINT = hashlib.sha256(ROOT.der).hexdigest()
EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="module", autouse=True)
def names() -> Iterator[None]:
    """Services are called by the names of their certificates, and are all on this host."""
    real = socket.getaddrinfo

    def resolve(host: Any, *rest: Any, **named: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith(".vcc.internal") else host, *rest, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolve)
        yield


def admin() -> httpx.Client:
    context = ssl.create_default_context(cafile=SUITE["root"])
    context.load_cert_chain(SUITE["certificate"], SUITE["key"])
    return httpx.Client(base_url=SUITE["origin"], verify=context, trust_env=False)


def new_token(service: str) -> str:
    with admin() as http:
        names = {"service": service, "dns_names": [f"{service}.vcc.internal"]}
        response = http.post("/api/v1/enrolment/tokens?organisation=brandenburg", json=names)
        assert response.status_code == 201, response.text
        return str(response.json()["token"])


def client_of(storage: Path, service: str, **options: Any) -> VCCPKIClient:
    return VCCPKIClient(service, "brandenburg", pki_url=SUITE["origin"], storage_path=storage, **options)


def enrolled(storage: Path, service: str, **options: Any) -> VCCPKIClient:
    client = client_of(storage, service, **options)
    client.enrol(new_token(service), FINGERPRINT, [f"{service}.vcc.internal"])
    return client


def test_from_a_token_to_an_identity(tmp_path: Path) -> None:
    client = enrolled(tmp_path, "covina")
    identity = client.get_identity()
    assert identity.certificate.names.uri == ("spiffe://vcc.internal/org/brandenburg/service/covina",)
    assert [root.der for root in identity.bundle] == [ROOT.der]
    assert sorted(os.listdir(tmp_path / "covina")) == ["ca_chain.pem", "cert.pem", "key.pem"]
    assert stat.S_IMODE((tmp_path / "covina" / "key.pem").stat().st_mode) == 0o600


def test_another_root_is_not_believed(tmp_path: Path) -> None:
    token = new_token("covina")
    client = client_of(tmp_path, "covina")
    with pytest.raises(PkiError, match="CERTIFICATE_NOT_TRUSTED"):
        client.enrol(token, "0" * 64, ["covina.vcc.internal"])
    with pytest.raises(PkiError, match="CONFIG_INVALID"):
        client.enrol(token, "abc", ["covina.vcc.internal"])
    assert not (tmp_path / "covina").exists()
    client.enrol(token, f"SHA256:{FINGERPRINT.upper()}", ["covina.vcc.internal"])


def test_tokens_that_do_not_count(tmp_path: Path) -> None:
    token = new_token("covina")
    with pytest.raises(PkiError):
        client_of(tmp_path, "argus").enrol(token, FINGERPRINT, ["argus.vcc.internal"])
    with pytest.raises(PkiError):
        client_of(tmp_path, "covina").enrol(token, FINGERPRINT, ["argus.vcc.internal"])
    client_of(tmp_path, "covina").enrol(token, FINGERPRINT, ["covina.vcc.internal"])
    with pytest.raises(PkiError, match="ENROLMENT_TOKEN_USED"):
        client_of(tmp_path / "again", "covina").enrol(token, FINGERPRINT, ["covina.vcc.internal"])
    with pytest.raises(PkiError, match="ENROLMENT_TOKEN_INVALID"):
        client_of(tmp_path / "again", "covina").enrol(
            token[:-1] + ("A" if token[-1] != "A" else "B"), FINGERPRINT, ["covina.vcc.internal"]
        )
    assert not (tmp_path / "again" / "covina" / "pending.pem").exists()


def test_who_loses_the_answer_asks_again_and_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = new_token("covina")
    client = client_of(tmp_path, "covina")
    lost: list[bytes] = []

    def crash(_: IdentityFiles, _key: bytes, chain_pem: bytes, _bundle: bytes) -> None:
        lost.append(chain_pem)
        raise KeyboardInterrupt

    monkeypatch.setattr(IdentityFiles, "install", crash)
    with pytest.raises(KeyboardInterrupt):
        client.enrol(token, FINGERPRINT, ["covina.vcc.internal"])
    monkeypatch.undo()
    client.enrol(token, FINGERPRINT, ["covina.vcc.internal"])
    assert client.files.certificate.read_bytes() == lost[0]


def test_a_renewal_has_a_new_key_and_the_same_names(tmp_path: Path) -> None:
    client = enrolled(tmp_path, "covina")
    before = client.get_identity().certificate
    assert client.renew_if_due() is False
    client.renew()
    after = client.get_identity().certificate
    assert after.names == before.names
    assert after.spki_der != before.spki_der
    assert client.renew_if_due(after.not_before + (after.not_after - after.not_before) * 0.7) is True


class Service:
    """examples/fastapi_service.py in a process of its own."""

    def __init__(self, storage: Path, client: VCCPKIClient, matrix: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.client = client
        environment = {
            **os.environ,
            "SERVICE_ID": client.service_id,
            "PORT": str(self.port),
            "MATRIX": str(matrix),
            "STATUS_URL": SUITE["status"],
            "FRESH_SECONDS": "0",
            "PKI_SERVER_URL": SUITE["origin"],
            "PYTHONPATH": os.pathsep.join([str(EXAMPLES.parent / "src"), os.environ.get("PYTHONPATH", "")]),
        }
        self.process = subprocess.Popen(
            [sys.executable, str(EXAMPLES / "fastapi_service.py")], cwd=storage.parent, env=environment, stderr=subprocess.PIPE
        )
        while self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError((self.process.stderr or sys.stdin.buffer).read())

    def call(self, by: VCCPKIClient, path: str = "/whoami") -> httpx.Response:
        with httpx.Client(verify=by.get_ssl_context(), trust_env=False) as http:
            return self.ask(http, path)

    def ask(self, http: httpx.Client, path: str = "/whoami") -> httpx.Response:
        return http.get(f"https://{self.client.service_id}.vcc.internal:{self.port}{path}")


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one that the suite ships, as the gateway gives it."""
    file = tmp_path_factory.mktemp("matrix") / "matrix.json"
    with admin() as http:
        answer = http.get("/api/v1/vcc/matrix?organisation=brandenburg")
    file.write_text(json.dumps(answer.json()["document"]))
    return file


@pytest.fixture
def covina(tmp_path: Path, matrix: Path) -> Iterator[Service]:
    storage = tmp_path / "pki_client"
    service = Service(storage, enrolled(storage, "covina"), matrix)
    yield service
    service.process.terminate()
    service.process.wait()


def test_services_call_each_other_as_the_matrix_says(covina: Service, tmp_path: Path, matrix: Path) -> None:
    argus, themis = enrolled(tmp_path, "argus"), enrolled(tmp_path, "themisdb")
    response = covina.call(argus)
    assert response.json()["caller"] == "spiffe://vcc.internal/org/brandenburg/service/argus"
    refused = covina.call(themis)
    assert (refused.status_code, refused.json()["code"]) == (403, "CALLER_NOT_ALLOWED")
    # Here and at the gateway the same is said.
    decide = Matrix(json.loads(matrix.read_text())).decide
    assert (
        argus.check_communication("covina", "GET", "/whoami").allowed
        is decide("argus", "covina", "GET", "/whoami").allowed
        is True
    )
    assert themis.check_communication("covina", "GET", "/whoami").allowed is decide("themisdb", "covina").allowed is False


def test_who_is_revoked_is_refused(covina: Service, tmp_path: Path) -> None:
    argus = enrolled(tmp_path, "argus")
    assert covina.call(argus).status_code == 200
    serial = argus.get_identity().certificate.serial_hex
    with admin() as http:
        found = http.get("/api/v1/certs/list?organisation=brandenburg").json()["certificates"]
        (certificate_id,) = [each["cert_id"] for each in found if each["serial_number"].lower() == serial]
        revoked = http.post(f"/api/v1/certs/revoke/{certificate_id}?organisation=brandenburg", json={"reason": "key_compromise"})
        assert revoked.status_code == 200, revoked.text
    deadline = time.monotonic() + 120
    answer = covina.call(enrolled(tmp_path / "other", "argus"))
    while time.monotonic() < deadline:
        with httpx.Client(verify=argus.get_ssl_context(), trust_env=False) as http:
            answer = covina.ask(http)
        if answer.status_code == 401:
            break
        time.sleep(0.2)
    assert (answer.status_code, answer.json()["code"]) == (401, "CALLER_REVOKED")
    assert covina.call(enrolled(tmp_path / "third", "argus")).status_code == 200


def test_both_renew_under_load_without_a_failed_call(covina: Service, tmp_path: Path) -> None:
    argus = enrolled(tmp_path, "argus")
    failures: list[str] = []
    calls = 0
    done = threading.Event()

    def keep_calling() -> None:
        nonlocal calls
        with httpx.Client(verify=argus.get_ssl_context(), trust_env=False) as kept:
            while not done.is_set():
                try:
                    for response in (covina.ask(kept), covina.call(argus)):
                        calls += 1
                        if response.status_code != 200:
                            failures.append(response.text)
                except (httpx.HTTPError, PkiError) as error:
                    failures.append(repr(error))

    threads = [threading.Thread(target=keep_calling) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        covina.client.renew()
        argus.renew()
        with httpx.Client(verify=argus.get_ssl_context(), trust_env=False) as http:
            assert covina.ask(http).status_code == 200
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert calls > 20
