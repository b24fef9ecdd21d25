"""Certificates in headers: read as nginx, Envoy and RFC 9440 write them, and nothing else."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from authority import SERVICES

from vcc_pki_client import PkiError
from vcc_pki_client.asgi.proxy import ProxyTrust, forwarded_certificate, without_certificates

ARGUS, VPB = SERVICES.issue("argus"), SERVICES.issue("vpb")
LEAF_PEM = ARGUS.chain_pem.decode().split("-----END")[0] + "-----END CERTIFICATE-----\n"
B64 = base64.b64encode(ARGUS.der)


@pytest.mark.parametrize(
    "header",
    [
        (b"client-cert", b":" + B64 + b":"),
        (b"Client-Cert", b" :" + B64 + b": "),
        (b"x-ssl-client-cert", quote(LEAF_PEM).encode()),
        (b"X-SSL-Client-Cert", LEAF_PEM.replace("\n", "\n\t").encode()),
        (b"x-client-certificate", B64),
        (b"x-client-cert", LEAF_PEM.replace("\n", " ").encode()),
    ],
)
def test_one_certificate(header: tuple[bytes, bytes]) -> None:
    assert forwarded_certificate([(b"host", b"x"), header]) == [ARGUS.der]


def test_with_its_chain() -> None:
    chain = b", ".join(b":" + base64.b64encode(each.der) + b":" for each in (VPB, ARGUS))
    headers = [(b"client-cert", b":" + B64 + b":"), (b"client-cert-chain", chain)]
    assert forwarded_certificate(headers) == [ARGUS.der, VPB.der, ARGUS.der]
    assert forwarded_certificate([(b"host", b"x")]) is None


@pytest.mark.parametrize(
    "headers",
    [
        [(b"client-cert", B64)],
        [(b"client-cert", b":" + B64)],
        [(b"client-cert", b"::")],
        [(b"client-cert", b":" + B64 + b":;a=1")],
        [(b"client-cert", b":" + b"A" * 20_000 + b":")],
        [(b"client-cert", b":" + B64 + b":"), (b"x-client-cert", base64.b64encode(VPB.der))],
        [(b"client-cert", b":" + B64 + b":"), (b"client-cert", b":" + base64.b64encode(VPB.der) + b":")],
        [(b"x-ssl-client-cert", b"(null)")],
        [(b"x-ssl-client-cert", quote(ARGUS.chain_pem.decode()).encode())],
        [(b"client-cert", b":" + B64 + b":"), (b"client-cert-chain", b",".join([b":" + B64 + b":"] * 9))],
    ],
)
def test_what_cannot_be_read_in_one_way_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(PkiError, match="REQUEST_MALFORMED"):
        forwarded_certificate(headers)


def test_applications_see_no_such_header() -> None:
    names = [b"Client-Cert", b"client-cert-chain", b"X-SSL-Client-Cert", b"X-Client-Certificate", b"x-client-cert", b"accept"]
    assert without_certificates([(name, b"x") for name in names]) == [(b"accept", b"x")]


def test_who_is_a_proxy() -> None:
    proxies = ProxyTrust(["spiffe://vcc.internal/org/brandenburg/service/ingress"], ["127.0.0.1/32", "fd00::/8"])
    assert proxies.admits("spiffe://vcc.internal/org/brandenburg/service/ingress", "10.9.9.9")
    assert not proxies.admits("spiffe://vcc.internal/org/brandenburg/service/argus", "127.0.0.1")
    assert proxies.admits(None, "127.0.0.1")
    assert proxies.admits(None, "fd00::1")
    for address in ("127.0.0.2", "10.0.0.1", "unix", "", None):
        assert not proxies.admits(None, address)
    assert not ProxyTrust().admits(None, "127.0.0.1")
    with pytest.raises(PkiError, match="CONFIG_INVALID"):
        ProxyTrust(networks=["127.0.0.1/33"])
