"""The SDK at the real gateway. test/gateway.test.ts runs it and names it in VCC_GATEWAY, and the files of the services in VCC_STORAGE."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import shutil
import ssl
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from vcc_pki_client import AsyncVCCPKIClient, PkiError, VCCPKIClient
from vcc_pki_client.cms.signed_data import parse_signed_data
from vcc_pki_client.pem import to_pem

if "VCC_GATEWAY" not in os.environ:
    pytest.skip("VCC_GATEWAY names no gateway: run ./pki test libs/client-python", allow_module_level=True)

OPTIONS = {"pki_url": os.environ["VCC_GATEWAY"], "storage_path": os.environ["VCC_STORAGE"]}
CLARA = VCCPKIClient("clara", "brandenburg", **OPTIONS)  # type: ignore[arg-type]
ARGUS = VCCPKIClient("argus", "brandenburg", **OPTIONS)  # type: ignore[arg-type]
BATCH = b"a log's batch"


def test_a_time_stamp_is_verified_and_verifies_again() -> None:
    stamp = CLARA.timestamp(BATCH)
    assert abs(stamp.gen_time - datetime.now(timezone.utc)) < timedelta(hours=1)
    again = ARGUS.verify_timestamp(stamp.token, BATCH)
    assert (again.serial_number, again.gen_time, again.policy) == (stamp.serial_number, stamp.gen_time, stamp.policy)
    assert CLARA.timestamp(sha256=hashlib.sha256(BATCH).digest()).serial_number != stamp.serial_number


def test_a_time_stamp_of_something_else_is_refused() -> None:
    token = CLARA.timestamp(BATCH).token
    with pytest.raises(PkiError, match="TIMESTAMP_INVALID") as refused:
        CLARA.verify_timestamp(token, b"another batch")
    assert refused.value.details["checks"] == "message-imprint"
    changed = token[:-1] + bytes([token[-1] ^ 1])
    with pytest.raises(PkiError, match="TIMESTAMP_INVALID"):
        CLARA.verify_timestamp(changed, BATCH)
    for arguments in ({}, {"data": BATCH, "sha256": hashlib.sha256(BATCH).digest()}, {"sha256": b"short"}):
        with pytest.raises(PkiError, match="REQUEST_MALFORMED"):
            CLARA.timestamp(**arguments)  # type: ignore[arg-type]


def test_a_signature_over_a_digest() -> None:
    digest = hashlib.sha256(BATCH).digest()
    signed = CLARA.sign(base64.b64encode(digest).decode())
    (info,) = parse_signed_data(signed.signature, 1 << 20).signer_infos
    assert info.issuer_and_serial is not None
    assert int.from_bytes(info.issuer_and_serial[1], "big") == int(signed.certificate_serial, 16)
    assert CLARA.sign(digest).signature_id != signed.signature_id


def test_who_is_no_signer_gets_no_signature() -> None:
    """And nothing that could be taken for one."""
    with pytest.raises(PkiError) as refused:
        ARGUS.sign(hashlib.sha256(BATCH).digest())
    assert refused.value.details["status"] in (403, 404, 409)
    with pytest.raises(PkiError, match="REQUEST_MALFORMED"):
        CLARA.sign("no base64!")


def test_usage_is_counted() -> None:
    signed = CLARA.sign(hashlib.sha256(BATCH).digest())
    CLARA.log_artifact_usage(signed.signature_id, "verified", "covina-1", times=3)
    summary = CLARA.log_artifact_usage(signed.signature_id, "loaded")
    assert (summary["verified"], summary["loaded"], summary["refused"]) == (3, 1, 0)
    with pytest.raises(PkiError, match="REQUEST_MALFORMED"):
        CLARA.log_artifact_usage(signed.signature_id, "admired")
    with pytest.raises(PkiError):
        CLARA.log_artifact_usage("00000000-0000-4000-8000-000000000000", "loaded")


def test_the_bundle_is_fetched_under_the_roots_in_force() -> None:
    before = CLARA.files.bundle.read_bytes()
    try:
        CLARA.refresh_ca_bundle()
        roots = CLARA.get_identity().bundle
        assert len(roots) >= 1
        assert all(root.is_self_issued for root in roots)
    finally:
        CLARA.files.replace_bundle(before)


def test_with_await() -> None:
    async def stamp_and_verify() -> None:
        client = AsyncVCCPKIClient("clara", "brandenburg", **OPTIONS)
        first, second = await asyncio.gather(client.timestamp(BATCH), client.timestamp(BATCH))
        assert first.serial_number != second.serial_number
        assert (await client.verify_timestamp(first.token, BATCH)).gen_time == first.gen_time

    asyncio.run(stamp_and_verify())


def test_a_gateway_that_is_not_under_the_bundle_is_not_spoken_to(tmp_path: os.PathLike[str]) -> None:
    stranger = VCCPKIClient("clara", "brandenburg", pki_url=OPTIONS["pki_url"], storage_path=tmp_path)
    identity = CLARA.get_identity()
    root = next(r for r in identity.bundle if r.subject_der == identity.issuers[-1].issuer_der)
    stranger.files.install(CLARA.files.key.read_bytes(), CLARA.files.certificate.read_bytes(), to_pem([root.der]))
    with pytest.raises(PkiError, match="PEER_UNAVAILABLE"):
        stranger.timestamp(BATCH)
    plain = VCCPKIClient("clara", "brandenburg", pki_url="http://localhost:1", storage_path=OPTIONS["storage_path"])
    with pytest.raises(PkiError, match="CONFIG_INVALID"):
        plain.timestamp(BATCH)


ARTEFACTS = json.loads(os.environ["VCC_ARTEFACTS"])


@pytest.fixture
def relying(tmp_path: Path) -> VCCPKIClient:
    """Clara, who knows where recall lists are, and has kept the revocation lists."""
    client = VCCPKIClient("clara", "brandenburg", **{**OPTIONS, "storage_path": tmp_path}, recall_url=ARTEFACTS["recalls"])  # type: ignore[arg-type]
    client.files.install(CLARA.files.key.read_bytes(), CLARA.files.certificate.read_bytes(), CLARA.files.bundle.read_bytes())
    statements = client.files.directory / "statements"
    statements.mkdir()
    shutil.copy(ARTEFACTS["bundle"], statements / "bundle-with-crls.pem")
    return client


def verify(client: VCCPKIClient, expected_type: str | None = "model_weights") -> list[str]:
    return client.verify_vcc_artifact(ARTEFACTS["model"], expected_type, policy=ARTEFACTS["policy"]).refusals


def test_an_artefact_is_verified_until_it_is_recalled(relying: VCCPKIClient, tmp_path: Path) -> None:
    verified = relying.verify_vcc_artifact(ARTEFACTS["model"], "model_weights", policy=ARTEFACTS["policy"]).require()
    assert verified.artefact_digest == ARTEFACTS["digest"]
    assert verified.signer is not None
    assert verified.signer.identity.id == "clara"
    assert verify(relying, "lora_adapter") == ["ARTEFACT_TYPE_NOT_ALLOWED"]
    kept = {file.name: file.read_bytes() for file in (relying.files.directory / "statements").iterdir()}

    with httpx.Client(verify=relying.get_ssl_context(), trust_env=False) as nobody:
        assert nobody.get(f"{OPTIONS['pki_url']}/api/v1/recalls").status_code == 403
    context = ssl.create_default_context(cafile=str(relying.files.bundle))
    context.load_cert_chain(*ARTEFACTS["admin"])
    with httpx.Client(verify=context, trust_env=False) as admin:
        recall = {"digest": ARTEFACTS["digest"], "reason": "poisoned"}
        assert admin.post(f"{OPTIONS['pki_url']}/api/v1/recalls?organisation=brandenburg", json=recall).status_code == 200
    while (refusals := verify(relying)) == []:
        time.sleep(0.1)
    assert refusals == ["RECALLED"]

    # Nobody can be reached any more: the list that was kept counts, and an older one is not taken instead.
    away = VCCPKIClient("clara", "brandenburg", **{**OPTIONS, "storage_path": tmp_path}, recall_url="http://127.0.0.1:1")  # type: ignore[arg-type]
    assert verify(away) == ["RECALLED"]
    (name,) = [name for name in kept if name.startswith("recall-")]
    served = _serve(kept[name])
    older = VCCPKIClient("clara", "brandenburg", **{**OPTIONS, "storage_path": tmp_path}, recall_url=served)  # type: ignore[arg-type]
    assert verify(older) == ["RECALL_LIST_NOT_CURRENT"]
    assert verify(away) == ["RECALLED"]


def test_what_is_not_known_is_refused(relying: VCCPKIClient) -> None:
    away = VCCPKIClient(
        "clara", "brandenburg", **{**OPTIONS, "storage_path": relying.files.directory.parent}, recall_url="http://127.0.0.1:1"
    )  # type: ignore[arg-type]
    assert verify(away) == ["RECALL_NOT_KNOWN"]
    (relying.files.directory / "statements" / "bundle-with-crls.pem").unlink()
    fresh = VCCPKIClient("clara", "brandenburg", **{**OPTIONS, "storage_path": relying.files.directory.parent})  # type: ignore[arg-type]
    assert "TIME_STAMP_NOT_TRUSTED" in verify(fresh)


def _serve(octets: bytes) -> str:
    """Whatever is asked for, it is this."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(octets)

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"
