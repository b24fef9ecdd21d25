"""Whatever comes in, it is refused with a code and nothing else is raised. The mutations are the same each time."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from authority import ROOT, SERVICES
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from vcc_pki_client import Matrix, PkiError, parse_trust_policy
from vcc_pki_client.artefact.bundle import parse_bundle
from vcc_pki_client.artefact.manifest import parse_manifest
from vcc_pki_client.artefact.recall import parse_recall_list
from vcc_pki_client.artefact.statement import parse_statement
from vcc_pki_client.cms.signed_data import parse_signed_data
from vcc_pki_client.cms.time_stamp import parse_time_stamp_token
from vcc_pki_client.x509.certificate import parse_certificate
from vcc_pki_client.x509.crl import parse_certificate_list
from vcc_pki_client.x509.ocsp import parse_ocsp_response
from vcc_pki_client.x509.path import validate_path

DIGEST, HEX, TIME = "sha256:" + "a" * 64, "a" * 64, "2026-01-01T00:00:00.000Z"
FACTS = {
    "type": "file",
    "name": "n",
    "organisation": "abc",
    "metadata": {"baseModel": {"digest": DIGEST}, "datasets": [{"name": "d"}], "riskClass": "high", "extra": {"a": "b"}},
}
STATEMENT = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "a", "digest": {"sha256": HEX}}],
    "predicateType": "https://model_signing/signature/v1.0",
    "predicate": {
        "serialization": {"method": "shards", "shard_size": 1048576, "hash_type": "sha256", "allow_symlinks": False},
        "resources": [{"name": "a:0:1", "algorithm": "sha256-sharded-1048576", "digest": HEX}],
        "vcc": FACTS,
    },
}
BUNDLE = {
    "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
    "verificationMaterial": {
        "certificate": {"rawBytes": "AAAA"},
        "tlogEntries": [],
        "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": "AAAA"}]},
    },
    "dsseEnvelope": {"payload": "e30=", "payloadType": "x", "signatures": [{"sig": "AAAA", "keyid": ""}]},
}
ATTESTATION = {
    "version": 1,
    "verification_material": {"certificate": "AAAA", "transparency_entries": [{"signedTimestamp": "AAAA"}]},
    "envelope": {"statement": "e30=", "signature": "AAAA"},
}
RECALLS = {
    **{"version": 1, "shard": 10, "shards": 16, "number": 1, "thisUpdate": TIME, "nextUpdate": "2026-01-02T00:00:00.000Z"},
    "entries": [{"organisation": "abc", "reason": "r", "recalledAt": TIME, "digest": DIGEST}],
}
RULE = {"id": "x", "line": 1, "effect": "allow", "source": "a", "target": "b*", "methods": ["GET"], "paths": ["/a/**"]}
MATRIX = {
    **{"format": "vcc-matrix-1", "organisation": "abc", "version": 1, "types": {"a": "b"}, "rules": [RULE]},
    "services": [{"name": "a", "line": 1, "isolation": "high"}],
    "permissions": [{"name": "p", "line": 1, "target": "b", "holders": ["a"], "paths": ["/x"]}],
}
POLICY = {"issuers": [DIGEST], "identities": ["spiffe://a/b"], "organisation": "abc", "types": ["file"], "recall": "required"}

VALUES: list[Any] = [None, True, False, 0, -1, 1.5, 1e999, "", "x", [], {}, [1], {"a": 1}, DIGEST]


def mutated(value: Any, dice: random.Random) -> Any:
    if dice.random() < 0.12:
        return dice.choice(VALUES)
    if isinstance(value, dict):
        return {
            name: mutated(each, dice) if dice.random() < 0.5 else each for name, each in value.items() if dice.random() > 0.03
        }
    return [mutated(each, dice) for each in value] if isinstance(value, list) else value


def octets_of(value: Any) -> bytes:
    return json.dumps(value).encode()


def read_manifest(facts: Any) -> None:
    parse_manifest(b"# vcc-manifest 1\n# shape: file\n# artefact: " + octets_of(facts) + b"\n" + HEX.encode() + b" *x\n")


def decide(document: Any) -> None:
    matrix = Matrix(document)
    matrix.decide("a", "b1", "GET", "/a/x")
    matrix.decide("a", "b")


@pytest.mark.parametrize(
    ("sound", "read"),
    [
        (STATEMENT, lambda value: parse_statement(octets_of(value))),
        (BUNDLE, lambda value: parse_bundle(octets_of(value))),
        (ATTESTATION, lambda value: parse_bundle(octets_of(value))),
        (RECALLS, lambda value: parse_recall_list(octets_of(value))),
        (FACTS, read_manifest),
        (MATRIX, decide),
        (POLICY, parse_trust_policy),
    ],
    ids=["statement", "bundle", "attestation", "recalls", "manifest", "matrix", "policy"],
)
def test_json_that_is_something_else(sound: Any, read: Callable[[Any], Any]) -> None:
    dice = random.Random(7)
    refused = 0
    for _ in range(2_000):
        try:
            read(mutated(sound, dice))
        except PkiError:
            refused += 1
    assert refused > 1_000


LEAF = SERVICES.issue("argus")
CRL = x509.load_pem_x509_crl(SERVICES.crl(LEAF)).public_bytes(Encoding.DER)
ANCHOR, BETWEEN = (parse_certificate(each.certificate.public_bytes(Encoding.DER)) for each in (ROOT, SERVICES))


def judge(der: bytes) -> None:
    if not validate_path(parse_certificate(der), [BETWEEN], [ANCHOR], datetime.now(timezone.utc)).ok:
        raise PkiError("CERTIFICATE_NOT_TRUSTED", "as it should be")


@pytest.mark.parametrize(
    ("sound", "read"),
    [
        (LEAF.der, judge),
        (CRL, parse_certificate_list),
        (LEAF.der, parse_ocsp_response),
        (LEAF.der, lambda der: parse_signed_data(der, 1 << 20)),
        (LEAF.der, parse_time_stamp_token),
    ],
    ids=["certificate", "crl", "ocsp", "cms", "time stamp"],
)
def test_der_that_is_something_else(sound: bytes, read: Callable[[bytes], Any]) -> None:
    dice = random.Random(7)
    refused = 0
    for _ in range(2_000):
        octets = bytearray(sound)
        for _ in range(dice.choice((1, 1, 2, 4))):
            octets[dice.randrange(len(octets))] = dice.randrange(256)
        try:
            read(bytes(octets if dice.random() > 0.1 else octets[: dice.randrange(len(octets))]))
        except PkiError:
            refused += 1
    assert refused > 500
