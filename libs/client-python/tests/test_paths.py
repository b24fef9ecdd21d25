"""Paths and revocation, judged as libs/x509 judges them. The cases are written by test/paths.test.ts."""

from __future__ import annotations

from typing import Any

import pytest
from cases import octets, read, time_of

from vcc_pki_client.errors import PkiError
from vcc_pki_client.x509.certificate import parse_certificate
from vcc_pki_client.x509.crl import parse_certificate_list
from vcc_pki_client.x509.ocsp import parse_ocsp_response
from vcc_pki_client.x509.path import validate_path
from vcc_pki_client.x509.revocation import RevocationEvidence, revocation_at

WRITTEN = read("paths")


@pytest.mark.parametrize("case", [pytest.param(case, id=case["what"]) for case in WRITTEN["paths"]])
def test_judges_paths_as_libs_x509_does(case: dict[str, Any]) -> None:
    candidates, anchors = ([parse_certificate(octets(each)) for each in case[key]] for key in ("candidates", "anchors"))
    result = validate_path(
        parse_certificate(octets(case["leaf"])),
        candidates,
        anchors,
        time_of(case["at"]),
        purpose=case["purpose"],
        revocation=RevocationEvidence([parse_certificate_list(octets(each)) for each in case["crls"]]),
        require_revocation=True,
    )
    assert [fault.reason for fault in result.faults] == case["reasons"]
    assert bool(result.path) is result.ok is (case["reasons"] == [])


@pytest.mark.parametrize("case", [pytest.param(case, id=case["what"]) for case in WRITTEN["ocsp"]["cases"]])
def test_judges_ocsp_as_libs_x509_does(case: dict[str, Any]) -> None:
    certificate, issuer = (parse_certificate(octets(WRITTEN["ocsp"][key])) for key in ("certificate", "issuer"))
    responses = []
    for der in case["responses"]:
        try:
            responses.append(parse_ocsp_response(octets(der)))
        except PkiError:
            continue
    evidence = RevocationEvidence([parse_certificate_list(octets(each)) for each in case["crls"]], responses)
    assert revocation_at(certificate, issuer, time_of(WRITTEN["ocsp"]["at"]), evidence).status.value == case["status"]


def test_the_cases_are_about_something() -> None:
    assert {case["status"] for case in WRITTEN["ocsp"]["cases"]} == {"good", "revoked", "unknown"}
    assert len({reason for case in WRITTEN["paths"] for reason in case["reasons"]}) > 12
