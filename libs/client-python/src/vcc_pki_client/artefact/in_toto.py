"""in-toto statements v1 about one artefact, whose predicate is yet to be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import AbstractSet, Any

from ..errors import PkiError
from .strict_json import canonical_json, parse_strict_json

IN_TOTO_PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_STATEMENT_OCTETS = 16 * 1024 * 1024 - 1024
_MAX_DEPTH = 12
_STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_SHA256_HEX = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Statement:
    name: str
    sha256_hex: str
    predicate_type: str
    predicate: Any
    octets: bytes


def parse_in_toto(payload: bytes) -> Statement:
    """in-toto Attestation Framework v1, statement.md: one subject, since a statement about several leaves it open which is meant."""
    json = parse_strict_json(
        payload, max_octets=MAX_STATEMENT_OCTETS, max_depth=_MAX_DEPTH, code="STATEMENT_MALFORMED", what="the statement"
    )
    top = object_of(json, {"_type", "subject", "predicateType"}, {"predicate"})
    subjects = top["subject"]
    if top["_type"] != _STATEMENT_TYPE or not isinstance(subjects, list) or len(subjects) != 1:
        raise malformed("is not of in-toto v1 about one subject")
    subject = object_of(subjects[0], {"name", "digest"})
    digest = object_of(subject["digest"], {"sha256"})["sha256"]
    if not _is_text(subject["name"], 4096) or not isinstance(digest, str) or not _SHA256_HEX.fullmatch(digest):
        raise malformed("has a subject without a name or a SHA-256")
    if not _is_text(top["predicateType"], 512):
        raise malformed("has no type of predicate")
    return Statement(subject["name"], digest, top["predicateType"], top.get("predicate"), payload)


def build_in_toto(name: str, sha256_hex: str, predicate_type: str, predicate: Any) -> bytes:
    """The statement in canonical form (RFC 8785)."""
    return canonical_json(
        {
            "_type": _STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {"sha256": sha256_hex}}],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    )


def check_one_form(built: bytes, statement: Statement) -> None:
    if built != statement.octets:
        raise malformed("is not written in its one form")


def object_of(value: Any, required: AbstractSet[str], optional: AbstractSet[str] = frozenset()) -> dict[str, Any]:
    """An object with these names and no others."""
    if not isinstance(value, dict) or not required <= value.keys() <= required | optional:
        raise malformed(f"has a part that is not an object of {', '.join(sorted(required))}")
    return value


def _is_text(value: Any, max_characters: int) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= max_characters


def malformed(fault: str) -> PkiError:
    return PkiError("STATEMENT_MALFORMED", f"the statement {fault}")
