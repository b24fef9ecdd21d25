"""Who calls, by the certificate alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from authority import HOUR, NOW, ROOT, SERVICES, Authority, Issued, new_client
from cryptography.x509.oid import ExtendedKeyUsageOID

from vcc_pki_client import PkiError

STRANGERS = Authority("Services CA", Authority("Root"))


def test_who_it_is(tmp_path: Path) -> None:
    client = new_client(tmp_path, "covina")
    argus = SERVICES.issue("argus")
    for certificate in (argus.der, argus.chain_pem, argus.chain_pem.decode()):
        peer = client.verify_client_certificate(certificate)
        assert (peer.service_id, peer.organization, peer.identity.kind) == ("argus", "brandenburg", "workload")


@pytest.mark.parametrize(
    ("what", "issued", "code"),
    [
        ("of another root with the same names", STRANGERS.issue(), "CERTIFICATE_NOT_TRUSTED"),
        ("that has expired", SERVICES.issue(not_after=NOW - timedelta(minutes=1)), "CERTIFICATE_NOT_TRUSTED"),
        ("that is not valid yet", SERVICES.issue(not_before=NOW + HOUR), "CERTIFICATE_NOT_TRUSTED"),
        ("for servers alone", SERVICES.issue(usages=(ExtendedKeyUsageOID.SERVER_AUTH,)), "CERTIFICATE_NOT_TRUSTED"),
        ("of another trust domain", SERVICES.issue(uri="spiffe://vcc.example/org/a-b-c/service/x"), "CALLER_UNAUTHENTICATED"),
        ("that names nobody", SERVICES.issue(uri="https://argus.vcc.internal/"), "CALLER_UNAUTHENTICATED"),
    ],
)
def test_certificates_that_do_not_count(tmp_path: Path, what: str, issued: Issued, code: str) -> None:
    with pytest.raises(PkiError, match=code):
        new_client(tmp_path, "covina").verify_client_certificate(issued.der)


@pytest.mark.parametrize("octets", [b"", b"nothing", b"\x30\x03\x02\x01\x01", ROOT.pem[:200]])
def test_what_is_no_certificate(tmp_path: Path, octets: bytes) -> None:
    with pytest.raises(PkiError, match="CERTIFICATE_MALFORMED"):
        new_client(tmp_path, "covina").verify_client_certificate(octets)


def test_a_revoked_certificate_by_a_list_that_is_kept(tmp_path: Path) -> None:
    argus, vpb = SERVICES.issue("argus"), SERVICES.issue("vpb")
    client = new_client(tmp_path, "covina")
    statements = client.files.directory / "statements"
    statements.mkdir()
    lists = ROOT.pem + SERVICES.pem + ROOT.crl() + SERVICES.crl(argus)
    (statements / "bundle-with-crls.pem").write_bytes(lists)
    with pytest.raises(PkiError, match="CALLER_REVOKED"):
        client.verify_client_certificate(argus.der)
    assert client.verify_client_certificate(vpb.der, require_revocation=True).service_id == "vpb"


def test_without_lists_revocation_is_not_known(tmp_path: Path) -> None:
    client, argus = new_client(tmp_path, "covina"), SERVICES.issue("argus")
    with pytest.raises(PkiError, match="CERTIFICATE_NOT_TRUSTED") as refused:
        client.verify_client_certificate(argus.der, require_revocation=True)
    assert refused.value.details["reasons"] == "revocationUnknown"
