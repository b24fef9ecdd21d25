"""Statements of OpenSSF Model Signing v1.0: files or shards, how they were hashed, and our facts in `predicate.vcc`."""

from __future__ import annotations

import hashlib
from typing import Any, Sequence

from .facts import check_facts
from .in_toto import Statement, build_in_toto, check_one_form, malformed, object_of
from .manifest import check_shape
from .resources import Resource, canonical_resources
from .shards import MIN_SHARD_OCTETS, Shard, canonical_shards, named_shards, parse_shard
from .signed import Signed

OMS_PREDICATE_TYPE = "https://model_signing/signature/v1.0"
# The path of a model that is one file.
_ITSELF = "."


def read_oms(statement: Statement) -> Signed:
    """Whoever made it; one with our facts has to be as we write it. Symbolic links and other hashes are not accepted; paths that the signer left out may be
    there no more than other files that were not signed. Raises STATEMENT_MALFORMED, ARTEFACT_MALFORMED, NAME_MALFORMED, REQUEST_MALFORMED,
    REQUEST_TOO_LARGE."""
    predicate = statement.predicate
    if not isinstance(predicate, dict) or not isinstance(predicate.get("serialization"), dict):
        raise malformed("does not say how files were hashed")
    shard_octets = _shard_octets(predicate["serialization"])
    listed = _listed(predicate.get("resources"), _algorithm(shard_octets))
    if _root_digest(listed) != statement.sha256_hex:
        raise malformed("has another digest than its files")
    facts = check_facts(predicate["vcc"]) if "vcc" in predicate else None
    if shard_octets is None:
        shape, resources = _files(listed, statement.name)
        signed = Signed(facts, shape, resources)
    else:
        shape, shards = _shards(listed, shard_octets, statement.name)
        signed = Signed(facts, shape, shards=shards, shard_octets=shard_octets)
    if facts is not None:
        check_one_form(_write(signed), statement)
    return signed


def _shard_octets(how: dict[str, Any]) -> int | None:
    """None: files were hashed whole."""
    if how.get("hash_type") != "sha256" or how.get("allow_symlinks") is not False:
        raise malformed("has files that were hashed otherwise")
    if how.get("method") == "files":
        return None
    size = how.get("shard_size")
    if isinstance(size, float) and size.is_integer():  # model_signing writes 1048576.0
        size = int(size)
    if how.get("method") != "shards" or type(size) is not int or not MIN_SHARD_OCTETS <= size < 2**53:
        raise malformed("has files that were hashed otherwise")
    return size


def _algorithm(shard_octets: int | None) -> str:
    return "sha256" if shard_octets is None else f"sha256-sharded-{shard_octets}"


def _listed(entries: Any, algorithm: str) -> list[Resource]:
    if not isinstance(entries, list) or not entries:
        raise malformed("lists no files")
    files = []
    for entry in entries:
        row = object_of(entry, {"name", "algorithm", "digest"})
        if not isinstance(row["name"], str) or not isinstance(row["digest"], str):
            raise malformed("has a file without a name or a digest")
        if row["algorithm"] != algorithm:
            raise malformed("has resources that were hashed in another way than it says")
        files.append(Resource(row["name"], row["digest"]))
    return files


def _files(listed: Sequence[Resource], itself: str) -> tuple[str, tuple[Resource, ...]]:
    is_file = len(listed) == 1 and listed[0].path == _ITSELF
    shape = "file" if is_file else "directory"
    resources = canonical_resources([Resource(itself, listed[0].sha256_hex)] if is_file else listed)
    check_shape(shape, resources)
    return shape, tuple(resources)


def _shards(listed: Sequence[Resource], shard_octets: int, itself: str) -> tuple[str, tuple[Shard, ...]]:
    shards = []
    for each in listed:
        shard = parse_shard(each.path, each.sha256_hex)
        if shard is None:
            raise malformed(f"has the name {each.path!r}, which is none of a shard")
        shards.append(shard)
    is_file = all(shard.path == _ITSELF for shard in shards)
    named = [Shard(itself, each.start, each.end, each.sha256_hex) for each in shards] if is_file else shards
    shape = "file" if is_file else "directory"
    return shape, canonical_shards(shape, shard_octets, named)


def _write(signed: Signed) -> bytes:
    """As it is written here."""
    is_file = signed.shape == "file"
    itself = _ITSELF if is_file else None
    method: dict[str, Any] = {"method": "files"}
    if signed.shards is not None:
        method = {"method": "shards", "shard_size": signed.shard_octets}
        first, listed = signed.shards[0].path, named_shards(signed.shards, itself)
    else:
        resources = signed.resources or ()
        first, listed = resources[0].path, [Resource(itself or each.path, each.sha256_hex) for each in resources]
    algorithm = _algorithm(None if signed.shards is None else signed.shard_octets)
    predicate = {
        "serialization": {**method, "hash_type": "sha256", "allow_symlinks": False},
        "resources": [{"name": each.path, "algorithm": algorithm, "digest": each.sha256_hex} for each in listed],
        "vcc": signed.facts,
    }
    name = first if is_file else (signed.facts or {})["name"]
    return build_in_toto(name, _root_digest(listed), OMS_PREDICATE_TYPE, predicate)


def _root_digest(listed: Sequence[Resource]) -> str:
    """SHA-256 over the hashes as they are listed; it says nothing of names."""
    try:
        return hashlib.sha256(b"".join(bytes.fromhex(each.sha256_hex) for each in listed)).hexdigest()
    except ValueError:
        raise malformed("has a file whose digest is not hex") from None
