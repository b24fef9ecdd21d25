"""in-toto statements v1 about one artefact: of OpenSSF Model Signing, our own attestations, and PyPI's (PEP 740)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import AbstractSet, Any

from ..errors import PkiError
from .facts import Facts, check_facts
from .manifest import Signed, check_shape
from .resources import Resource, canonical_resources
from .strict_json import canonical_json, parse_strict_json

IN_TOTO_PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_STATEMENT_OCTETS = 16 * 1024 * 1024 - 1024
_MAX_DEPTH = 12
_STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_OMS = "https://model_signing/signature/v1.0"
_ARTEFACT = "urn:vcc-pki:artefact:v1"
_PUBLISH = "https://docs.pypi.org/attestations/publish/v1"
# The path of a model that is one file.
_ITSELF = "."
_SHA256_HEX = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class _Statement:
    name: str
    sha256_hex: str
    predicate_type: str
    predicate: Any
    octets: bytes


def parse_statement(payload: bytes) -> Signed:
    """Reads the payload of an envelope. One that has our facts has to be as we write it, octet by octet; those of other tools may be written
    otherwise, but have no name twice. Raises STATEMENT_MALFORMED, ARTEFACT_MALFORMED, NAME_MALFORMED, REQUEST_MALFORMED,
    REQUEST_TOO_LARGE."""
    statement = _parse_in_toto(payload)
    if statement.predicate_type == _OMS:
        return _read_oms(statement)
    if statement.predicate_type == _ARTEFACT:
        return _read_attestation(statement)
    if statement.predicate_type == _PUBLISH:
        if statement.predicate not in (None, {}):
            raise _malformed("has a predicate that is not empty")
        return Signed(None, "file", (_the_file(statement),))
    raise _malformed(f"has the predicate {statement.predicate_type!r}")


def _parse_in_toto(payload: bytes) -> _Statement:
    """in-toto Attestation Framework v1, statement.md: one subject, since a statement about several leaves it open which is meant."""
    json = parse_strict_json(
        payload, max_octets=MAX_STATEMENT_OCTETS, max_depth=_MAX_DEPTH, code="STATEMENT_MALFORMED", what="the statement"
    )
    top = _object(json, {"_type", "subject", "predicateType"}, {"predicate"})
    subjects = top["subject"]
    if top["_type"] != _STATEMENT_TYPE or not isinstance(subjects, list) or len(subjects) != 1:
        raise _malformed("is not of in-toto v1 about one subject")
    subject = _object(subjects[0], {"name", "digest"})
    digest = _object(subject["digest"], {"sha256"})["sha256"]
    if not _is_text(subject["name"], 4096) or not isinstance(digest, str) or not _SHA256_HEX.fullmatch(digest):
        raise _malformed("has a subject without a name or a SHA-256")
    if not _is_text(top["predicateType"], 512):
        raise _malformed("has no type of predicate")
    return _Statement(subject["name"], digest, top["predicateType"], top.get("predicate"), payload)


def _build_in_toto(name: str, sha256_hex: str, predicate_type: str, predicate: Any) -> bytes:
    """The statement in canonical form (RFC 8785)."""
    return canonical_json(
        {
            "_type": _STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {"sha256": sha256_hex}}],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    )


def _read_oms(statement: _Statement) -> Signed:
    """OpenSSF Model Signing v1.0, method "files", with our facts in `predicate.vcc`. Symbolic links, other hashes and shards are not accepted; paths
    that the signer left out may be there no more than other files that were not signed."""
    predicate = statement.predicate
    if not isinstance(predicate, dict) or not isinstance(predicate.get("serialization"), dict):
        raise _malformed("does not say how files were hashed")
    how = predicate["serialization"]
    if how.get("method") != "files" or how.get("hash_type") != "sha256" or how.get("allow_symlinks") is not False:
        raise _malformed("has files that were hashed otherwise")
    files = _oms_resources(predicate.get("resources"))
    if _root_digest(files) != statement.sha256_hex:
        raise _malformed("has another digest than its files")
    is_file = len(files) == 1 and files[0].path == _ITSELF
    shape = "file" if is_file else "directory"
    resources = canonical_resources([Resource(statement.name, files[0].sha256_hex)] if is_file else files)
    check_shape(shape, resources)
    if "vcc" not in predicate:
        return Signed(None, shape, tuple(resources))
    facts = check_facts(predicate["vcc"])
    _check_one_form(_write_oms(facts, shape, resources), statement)
    return Signed(facts, shape, tuple(resources))


def _oms_resources(listed: Any) -> list[Resource]:
    if not isinstance(listed, list) or not listed:
        raise _malformed("lists no files")
    files = []
    for entry in listed:
        row = _object(entry, {"name", "algorithm", "digest"})
        if row["algorithm"] != "sha256" or not isinstance(row["name"], str) or not isinstance(row["digest"], str):
            raise _malformed("has a file without a name or a SHA-256")
        files.append(Resource(row["name"], row["digest"]))
    return files


def _write_oms(facts: Facts, shape: str, resources: Sequence[Resource]) -> bytes:
    is_file = shape == "file"
    predicate = {
        "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False},
        "resources": [
            {"name": _ITSELF if is_file else each.path, "algorithm": "sha256", "digest": each.sha256_hex} for each in resources
        ],
        "vcc": facts,
    }
    return _build_in_toto(resources[0].path if is_file else facts["name"], _root_digest(resources), _OMS, predicate)


def _root_digest(files: Sequence[Resource]) -> str:
    """SHA-256 over the files' hashes as they are listed; it says nothing of their names."""
    try:
        return hashlib.sha256(b"".join(bytes.fromhex(each.sha256_hex) for each in files)).hexdigest()
    except ValueError:
        raise _malformed("has a file whose digest is not hex") from None


def _read_attestation(statement: _Statement) -> Signed:
    """An attestation of our own, about a file or about a digest alone."""
    predicate = _object(statement.predicate, {"shape", "vcc"})
    shape, facts = predicate["shape"], check_facts(predicate["vcc"])
    if shape not in ("file", "directory", "digest"):
        raise _malformed("is of no shape")
    if shape == "file":
        file = _the_file(statement)
        signed, name = Signed(facts, shape, (file,)), file.path
    else:
        signed, name = Signed(facts, shape, None, f"sha256:{statement.sha256_hex}"), facts["name"]
    built = _build_in_toto(name, statement.sha256_hex, _ARTEFACT, {"shape": shape, "vcc": facts})
    _check_one_form(built, statement)
    return signed


def _the_file(statement: _Statement) -> Resource:
    """The one resource of an artefact that is a file, named as PEP 740 has a distribution named."""
    canonical = canonical_resources([Resource(statement.name, statement.sha256_hex)])
    check_shape("file", canonical)
    return canonical[0]


def _check_one_form(built: bytes, statement: _Statement) -> None:
    if built != statement.octets:
        raise _malformed("is not written in its one form")


def _object(value: Any, required: AbstractSet[str], optional: AbstractSet[str] = frozenset()) -> dict[str, Any]:
    """An object with these names and no others."""
    if not isinstance(value, dict) or not required <= value.keys() <= required | optional:
        raise _malformed(f"has a part that is not an object of {', '.join(sorted(required))}")
    return value


def _is_text(value: Any, max_characters: int) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= max_characters


def _malformed(fault: str) -> PkiError:
    return PkiError("STATEMENT_MALFORMED", f"the statement {fault}")
