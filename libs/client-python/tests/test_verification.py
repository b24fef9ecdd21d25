"""What TypeScript says of sound and corrupted artefacts, Python says, too: verdict by verdict, with the same codes. The cases are written by
test/verification.test.ts."""

from __future__ import annotations

from typing import Any

import pytest
from cases import ask, material_of, octets, read

from vcc_pki_client.artefact.verdicts import VERDICTS
from vcc_pki_client.artefact.verify import (
    BundleMaterial,
    ManifestMaterial,
)
from vcc_pki_client.checks import Check
from vcc_pki_client.cms.time_stamp import TIME_STAMP_CHECKS, TimeStampQuestion, verify_time_stamp_token
from vcc_pki_client.x509.algorithms import digest
from vcc_pki_client.x509.certificate import parse_certificate
from vcc_pki_client.x509.trust import Anchored

ALL = [
    pytest.param(case, id=f"{name}: {case['what']}")
    for name in ("manifests", "bundles", "attestations", "recalls", "shards", "publications", "signatures")
    for case in read(name)
]


@pytest.mark.parametrize("case", ALL)
def test_says_what_typescript_says(case: dict[str, Any]) -> None:
    verification = ask(case)
    assert [[v.name, v.ok, v.code, v.is_waived] for v in verification.verdicts] == case["verdicts"]
    assert verification.ok is case["ok"]
    assert (verification.signer is not None) is case["ok"]


def test_most_cases_are_refused() -> None:
    """The cases are the corruptions they are meant to be."""
    refused = [case for param in ALL for case in param.values if not case["ok"]]  # type: ignore[attr-defined]
    assert len(ALL) > 210
    assert len(refused) > 0.8 * len(ALL)


@pytest.mark.parametrize("name", ["manifests", "bundles"])
def test_any_octet_changed_is_refused(name: str) -> None:
    case = read(name)[0]
    assert case["ok"]
    sound = material_of(case["material"])
    accepted = []
    signed = sound.cms if isinstance(sound, ManifestMaterial) else sound.bundle  # type: ignore[union-attr]
    for at in range(0, len(signed), 37):
        changed = signed[:at] + bytes([signed[at] ^ 1 << at % 3]) + signed[at + 1 :]
        material = ManifestMaterial(sound.manifest, changed) if isinstance(sound, ManifestMaterial) else BundleMaterial(changed)
        if ask(case, material).ok:
            accepted.append(at)
    assert accepted == []


def test_verdicts_are_those_of_typescript() -> None:
    ours = {name: {"code": row.code, "en": row.en, "de": row.de} for name, row in VERDICTS.items()}
    theirs = read("verdicts")
    assert ours == theirs
    assert list(ours) == list(theirs)


STAMPS = read("time-stamps")


def first_failure(token: bytes, trusted: bool = True) -> str:
    anchored = Anchored([parse_certificate(octets(STAMPS["anchor"]))])
    question = TimeStampQuestion(
        "sha256",
        digest("sha256", octets(STAMPS["data"])),
        anchored if trusted else lambda *_: [Check("trust", True)],
        int(STAMPS["nonce"], 16),
        [STAMPS["policy"]],
    )
    checks = verify_time_stamp_token(token, question).checks
    return next((check.name for check in checks if not check.ok), "none")


def test_a_sound_time_stamp_is_accepted() -> None:
    assert list(TIME_STAMP_CHECKS) == STAMPS["checks"]
    assert first_failure(octets(STAMPS["sound"])) == "none"


@pytest.mark.parametrize("case", [pytest.param(case, id=case["what"]) for case in STAMPS["corruptions"]])
def test_a_corrupted_time_stamp_is_refused(case: dict[str, str]) -> None:
    assert first_failure(octets(case["token"]), trusted=False) == case["check"]


def test_a_time_stamp_with_any_octet_changed_is_refused() -> None:
    sound = octets(STAMPS["sound"])
    changed = (sound[:at] + bytes([sound[at] ^ 1 << at % 8]) + sound[at + 1 :] for at in range(len(sound)))
    assert [at for at, token in enumerate(changed) if first_failure(token, trusted=False) == "none"] == []
