"""Pieces of files and their SHA-256, as OpenSSF Model Signing has them: large files are hashed on all cores."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Sequence

from ..errors import PkiError
from .manifest import check_shape
from .resources import MAX_RESOURCES, Resource, canonical_resources, manifest_body

MIN_SHARD_OCTETS = 1024 * 1024
"""Smaller pieces would make lists of nothing but lines."""

_SHA256_HEX = re.compile("[0-9a-f]{64}")
_NAME = re.compile(r"([^:]+):(0|[1-9]\d{0,15}):([1-9]\d{0,15})", re.DOTALL | re.ASCII)
_MAX_SAFE = 2**53 - 1


@dataclass(frozen=True)
class Shard:
    path: str
    start: int
    """Its first octet."""
    end: int
    """Behind its last one."""
    sha256_hex: str


def canonical_shards(shape: str, shard_octets: int, shards: Sequence[Shard]) -> tuple[Shard, ...]:
    """Shards in their one order, when they are all of some files: from octet 0, each as long as all others, but for the last, which has what is
    left. Raises REQUEST_MALFORMED when they are not, also for an empty file, of which there is no piece; NAME_MALFORMED; REQUEST_TOO_LARGE."""
    if not MIN_SHARD_OCTETS <= shard_octets <= _MAX_SAFE:
        raise PkiError("REQUEST_MALFORMED", f"a shard has {MIN_SHARD_OCTETS} octets at the least")
    if len(shards) > MAX_RESOURCES:
        raise PkiError("REQUEST_TOO_LARGE", f"an artefact has at most {MAX_RESOURCES} shards")
    by_file: dict[str, list[Shard]] = {}
    for shard in shards:
        by_file.setdefault(shard.path, []).append(shard)
    files = canonical_resources([Resource(path, own[0].sha256_hex) for path, own in by_file.items()])
    check_shape(shape, files)
    in_order: list[Shard] = []
    for file in files:
        own = sorted(by_file[file.path], key=lambda shard: shard.start)
        _check_file(file.path, own, shard_octets)
        in_order += own
    return tuple(in_order)


def _check_file(path: str, shards: Sequence[Shard], shard_octets: int) -> None:
    if ":" in path:
        raise PkiError("NAME_MALFORMED", "the path of a sharded file has a colon", {"file": path})
    for i, shard in enumerate(shards):
        is_last = i == len(shards) - 1
        is_placed = shard.start == i * shard_octets and shard.start < shard.end <= min(shard.start + shard_octets, _MAX_SAFE)
        if not is_placed or (not is_last and shard.end != shard.start + shard_octets):
            raise PkiError("REQUEST_MALFORMED", "the shards of a file do not follow one another", {"file": path})
        if not _SHA256_HEX.fullmatch(shard.sha256_hex):
            raise PkiError("REQUEST_MALFORMED", "not a SHA-256 in lower-case hex", {"file": path})


def shards_digest(shape: str, shard_octets: int, shards: Sequence[Shard]) -> str:
    """The digest of an artefact that is hashed in pieces: another than that of the same files hashed whole. Of a single file the name does not
    count. `shards` are canonical."""
    head = f"# shards: {shard_octets}\n"  # no line about a file begins so
    body = manifest_body(named_shards(shards, "." if shape == "file" else None))
    return f"sha256:{hashlib.sha256((head + body).encode()).hexdigest()}"


def named_shards(shards: Sequence[Shard], instead: str | None = None) -> list[Resource]:
    """Each shard as a resource with the name that Model Signing gives it, "path:start:end"."""
    return [
        Resource(f"{shard.path if instead is None else instead}:{shard.start}:{shard.end}", shard.sha256_hex) for shard in shards
    ]


def parse_shard(name: str, sha256_hex: str) -> Shard | None:
    """Reads such a name; None when it is none."""
    match = _NAME.fullmatch(name)
    return Shard(match[1], int(match[2]), int(match[3]), sha256_hex) if match else None
