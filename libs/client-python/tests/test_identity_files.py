"""The files of an identity: whole, private, and never a key without its certificate."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from authority import NOW, ROOT, SERVICES, new_client

from vcc_pki_client import PkiError, Renewal, VCCPKIClient
from vcc_pki_client.identity_files import IdentityFiles
from vcc_pki_client.pem import pem_blocks
from vcc_pki_client.renewal import next_look
from vcc_pki_client.tls import ReloadingServerContext


def test_layout_and_modes(tmp_path: Path) -> None:
    client = new_client(tmp_path, "argus")
    directory = tmp_path / "argus"
    assert sorted(os.listdir(directory)) == ["ca_chain.pem", "cert.pem", "key.pem"]
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "key.pem").stat().st_mode) == 0o600
    paths = {"key": "key.pem", "cert": "cert.pem", "ca": "ca_chain.pem"}
    assert client.get_certificate_paths() == {name: str(directory / file) for name, file in paths.items()}
    assert client.get_ca_bundle_path() == str(directory / "ca_chain.pem")
    assert (directory / "key.pem").read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert len(pem_blocks((directory / "cert.pem").read_bytes())["CERTIFICATE"]) == 2


def test_before_enrolment_there_is_nothing(tmp_path: Path) -> None:
    client = VCCPKIClient("argus", "brandenburg", storage_path=tmp_path)
    for ask in (client.get_certificate_paths, client.get_ca_bundle_path, client.get_ssl_context, client.get_identity):
        with pytest.raises(PkiError, match="NOT_FOUND"):
            ask()


@pytest.mark.parametrize("name", ["../argus", "Argus", "", "a/b"])
def test_names_that_are_no_service_are_refused(name: str) -> None:
    with pytest.raises(PkiError, match="NAME_MALFORMED"):
        VCCPKIClient(name, "brandenburg")


def test_a_key_of_another_certificate_changes_nothing(tmp_path: Path) -> None:
    client = new_client(tmp_path, "argus")
    before = client.files.certificate.read_bytes()
    with pytest.raises(PkiError, match="CERTIFICATE_MALFORMED"):
        client.files.install(SERVICES.issue().key_pem, SERVICES.issue().chain_pem, ROOT.pem)
    assert client.files.certificate.read_bytes() == before
    assert sorted(os.listdir(client.files.directory)) == ["ca_chain.pem", "cert.pem", "key.pem"]


@pytest.mark.parametrize("moved", [0, 1, 2, 3])
def test_an_exchange_that_was_broken_off_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: int) -> None:
    """After the new identity is complete, and some of its files are in place, the process is gone."""
    client = new_client(tmp_path, "argus")
    following = SERVICES.issue()
    real, count = os.replace, 0

    def replace(source: os.PathLike[str], target: os.PathLike[str]) -> None:
        nonlocal count
        if Path(source).parent.name == "next":
            if count == moved:
                raise KeyboardInterrupt
            count += 1
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    if moved < 3:
        with pytest.raises(KeyboardInterrupt):
            client.files.install(following.key_pem, following.chain_pem, ROOT.pem)
    else:
        client.files.install(following.key_pem, following.chain_pem, ROOT.pem)
    monkeypatch.undo()
    again = IdentityFiles(client.files.directory)
    assert again.load().certificate.der == following.der
    assert again.key.read_bytes() == following.key_pem
    client.get_ssl_context("client")
    assert sorted(os.listdir(client.files.directory)) == ["ca_chain.pem", "cert.pem", "key.pem"]


def test_an_exchange_that_did_not_get_so_far_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = new_client(tmp_path, "argus")
    before = client.get_identity().certificate.der
    following = SERVICES.issue()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PkiError, match="FILE_UNWRITABLE"):
        client.files.install(following.key_pem, following.chain_pem, ROOT.pem)
    monkeypatch.undo()
    assert client.get_identity().certificate.der == before
    client.get_ssl_context("client")


def test_a_request_is_made_once_until_it_is_answered(tmp_path: Path) -> None:
    files = IdentityFiles(tmp_path / "argus")
    uri = "spiffe://vcc.internal/org/brandenburg/service/argus"
    first = files.pending(uri, ["argus.vcc.internal"], ["10.0.0.1"])
    assert stat.S_IMODE((files.directory / "pending.pem").stat().st_mode) == 0o600
    assert IdentityFiles(files.directory).pending(uri, [], []) == first
    files.forget_pending()
    assert files.pending(uri, [], []).key_pem != first.key_pem


def test_renewal_is_due_at_two_thirds(tmp_path: Path) -> None:
    issued = SERVICES.issue(not_before=NOW - timedelta(days=60), not_after=NOW + timedelta(days=30))
    client = new_client(tmp_path, "argus", issued)
    assert client.get_identity().renew_at == NOW
    assert client.renew_if_due(NOW - timedelta(seconds=1)) is False
    assert next_look(client, NOW - timedelta(hours=1), 0) == timedelta(hours=1)
    assert next_look(client, NOW + timedelta(days=3), 1) == timedelta(0)
    with pytest.raises(PkiError, match="PEER_UNAVAILABLE"):
        client.renew_if_due(NOW)


def test_a_renewal_that_fails_is_tried_again_and_changes_nothing(tmp_path: Path) -> None:
    issued = SERVICES.issue(not_before=NOW - timedelta(days=80), not_after=NOW + timedelta(days=10))
    client = new_client(tmp_path, "argus", issued)
    renewal = Renewal(client)
    waits = [renewal.step() for _ in range(12)]
    assert waits[0] == timedelta(minutes=1)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=1)
    assert client.get_identity().certificate.der == issued.der


def test_a_context_that_reloads_keeps_what_it_had_when_files_are_bad(tmp_path: Path) -> None:
    client = new_client(tmp_path, "argus")
    tls = ReloadingServerContext(client.files)
    good = tls.current()
    client.files.certificate.write_bytes(SERVICES.issue().chain_pem)
    assert tls.current() is good
    assert tls.last_error is not None
    following = SERVICES.issue()
    client.files.install(following.key_pem, following.chain_pem, ROOT.pem)
    assert tls.current() is not good
    assert tls.last_error is None
