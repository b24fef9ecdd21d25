"""Cases that TypeScript wrote, with what it says of them; VCC_CASES names their directory."""

from __future__ import annotations

import base64
import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from vcc_pki_client.artefact.comparison import Expected, Observed
from vcc_pki_client.artefact.recall import RecallEvidence
from vcc_pki_client.artefact.resources import Resource
from vcc_pki_client.artefact.shards import Shard
from vcc_pki_client.artefact.signer_trust import ArtefactTrust
from vcc_pki_client.artefact.trust_policy import parse_trust_policy
from vcc_pki_client.artefact.verify import (
    ArtefactVerification,
    BundleMaterial,
    CmsMaterial,
    ManifestMaterial,
    Material,
    verify_signed_artefact,
)
from vcc_pki_client.x509.certificate import parse_certificate
from vcc_pki_client.x509.crl import parse_certificate_list
from vcc_pki_client.x509.revocation import RevocationEvidence

if "VCC_CASES" not in os.environ:
    pytest.skip("VCC_CASES names no cases: run ./pki test libs/client-python", allow_module_level=True)
CASES = Path(os.environ["VCC_CASES"])

octets = base64.b64decode


def read(name: str) -> Any:
    return json.loads((CASES / f"{name}.json").read_text("utf-8"))


def material_of(case: dict[str, Any]) -> Material:
    if case["format"] == "manifest":
        return ManifestMaterial(octets(case["manifest"]), octets(case["cms"]))
    return CmsMaterial(octets(case["cms"])) if case["format"] == "cms" else BundleMaterial(octets(case["bundle"]))


def observed_of(case: dict[str, Any]) -> Observed:
    if case["shape"] == "digest":
        return Observed("digest", hash=case["hash"], digest=octets(case["digest"]))
    if "shards" in case:
        shards = [Shard(each["path"], each["start"], each["end"], each["sha256Hex"]) for each in case["shards"]]
        return Observed(case["shape"], shards=shards, shard_octets=case["shardOctets"])
    return Observed(case["shape"], [Resource(each["path"], each["sha256Hex"]) for each in case["resources"]])


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def trust_of(case: dict[str, Any]) -> ArtefactTrust:
    revocation = None
    if case["revocation"]:
        now = case["revocation"]["now"]
        crls = [parse_certificate_list(octets(each)) for each in case["revocation"]["crls"]]
        revocation = RevocationEvidence(crls, (), time_of(now) if now else None)
    roots, stamps, between = (
        [parse_certificate(octets(each)) for each in case[k]] for k in ("anchors", "stamps", "intermediates")
    )
    return ArtefactTrust(roots, stamps, between, revocation)


def recall_of(case: dict[str, Any] | None) -> RecallEvidence | None:
    if case is None:
        return None
    grace = timedelta(milliseconds=case["graceMs"])
    return RecallEvidence(octets(case["bundle"]), time_of(case["at"]), grace, case["lastNumber"])


def ask(case: dict[str, Any], material: Material | None = None) -> ArtefactVerification:
    expected = case["expected"]
    return verify_signed_artefact(
        material or material_of(case["material"]),
        observed_of(case["observed"]),
        trust_of(case["trust"]),
        parse_trust_policy(case["policy"]),
        Expected(expected.get("name"), expected.get("version"), expected.get("baseModel")),
        recall_of(case["recall"]),
    )
