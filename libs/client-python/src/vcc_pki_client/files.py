"""Artefacts on disk: walked, hashed, and what vouches for them. Symbolic links, FIFOs, sockets and devices are refused."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

from .artefact.bundle import parse_bundle
from .artefact.comparison import Observed
from .artefact.contents import HashedOctets
from .artefact.manifest import (
    MANIFEST_FILE,
    MANIFEST_SIGNATURE_FILE,
    MODEL_SIGNATURE_FILE,
    PUBLISH_ATTESTATION_SUFFIX,
    SIGNATURE_FILES,
)
from .artefact.resources import MAX_RESOURCES, Resource
from .artefact.shards import Shard
from .artefact.statement import parse_statement
from .artefact.verify import BundleMaterial, CmsMaterial, ManifestMaterial, Material
from .errors import PkiError

_MAX_LIST_OCTETS = 256 * 1024 * 1024
_MAX_CMS_OCTETS = 1024 * 1024
_CHUNK_OCTETS = 1024 * 1024
_HEAD_OCTETS = 64 * 1024

# Windows has neither: there opening a FIFO or through a link is not what it is here.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True)
class ObservedArtefact:
    """An artefact as it lies on disk, hashed, and what vouches for it. Nothing has been verified."""

    observed: Observed
    files: tuple[HashedOctets, ...]
    material: Material


def observe_artefact(path: str | os.PathLike[str], signature_file: str | os.PathLike[str] | None = None) -> ObservedArtefact:
    """Reads what vouches for an artefact, then hashes all of it, in this order: what is signed later than it was read is not what is hashed.
    `signature_file`: what vouches for it, when that is not where it is looked for. Raises NOT_FOUND when there is nothing, AMBIGUOUS when
    there are two, FILE_NOT_REGULAR, FILE_CHANGED, FILE_UNREADABLE, NAME_MALFORMED, REQUEST_TOO_LARGE."""
    root = os.path.realpath(path)
    is_directory = os.path.isdir(root)
    material = _read_signature(root, is_directory, None if signature_file is None else os.fspath(signature_file))
    found = list(_walk(root)) if is_directory else [(os.path.basename(root), root)]
    shard_octets = _shard_octets_in(material)
    hashed = [_hash_file(name, location, shard_octets) for name, location in found]
    shape = "directory" if is_directory else "file"
    files = tuple(octets for _, octets in hashed)
    if shard_octets is None:
        whole = [Resource(shard.path, shard.sha256_hex) for shards, _ in hashed for shard in shards]
        return ObservedArtefact(Observed(shape, whole), files, material)
    shards = [shard for shards, _ in hashed for shard in shards]
    return ObservedArtefact(Observed(shape, shards=shards, shard_octets=shard_octets), files, material)


def _shard_octets_in(material: Material) -> int | None:
    """In which pieces files are to be hashed: what is signed says it, which nobody has verified yet. Where it cannot be read, verification says
    why."""
    if not isinstance(material, BundleMaterial):
        return None
    try:
        signed = parse_statement(parse_bundle(material.bundle).envelope.payload)
    except PkiError:
        return None
    return None if signed.shards is None else signed.shard_octets


def _read_signature(artefact: str, is_directory: bool, named: str | None) -> Material:
    """In its directory, or beside the one file that it is, or where it is named."""
    beside = os.path.join(os.path.dirname(artefact), MANIFEST_SIGNATURE_FILE)
    if named is not None:
        places = [named]
    elif is_directory:
        places = [os.path.join(artefact, name) for name in (MANIFEST_SIGNATURE_FILE, MODEL_SIGNATURE_FILE)]
    else:
        places = [f"{artefact}.p7s", f"{artefact}.sigstore.json", artefact + PUBLISH_ATTESTATION_SUFFIX, beside]
    found = [material for place in places if (material := _read_place(place)) is not None]
    names = ", ".join(os.path.basename(place) for place in places)
    if not found:
        raise PkiError("NOT_FOUND", f"nothing vouches for {artefact}: none of {names}")
    if len(found) > 1:
        raise PkiError("AMBIGUOUS", f"{artefact} has more than one signature: name one of {names}")
    return found[0]


def _read_place(place: str) -> Material | None:
    directory, name = os.path.split(place)
    if name in (MANIFEST_FILE, MANIFEST_SIGNATURE_FILE):
        cms = _read_if_there(os.path.join(directory, MANIFEST_SIGNATURE_FILE), _MAX_CMS_OCTETS)
        if cms is None:
            return None
        manifest = _read_if_there(os.path.join(directory, MANIFEST_FILE), _MAX_LIST_OCTETS)
        if manifest is None:
            raise PkiError("NOT_FOUND", f"{place} is there, but no {MANIFEST_FILE} beside it")
        return ManifestMaterial(manifest, cms)
    is_cms = name.endswith(".p7s")
    octets = _read_if_there(place, _MAX_CMS_OCTETS if is_cms else _MAX_LIST_OCTETS)
    if octets is None:
        return None
    return CmsMaterial(octets) if is_cms else BundleMaterial(octets)


def _read_if_there(file: str, max_octets: int) -> bytes | None:
    """Once, so that what is verified and what is parsed are the same octets."""
    try:
        descriptor = os.open(file, _FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(file, error) from error
    with os.fdopen(descriptor, "rb") as source:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise PkiError("FILE_NOT_REGULAR", f"{file} is no regular file", {"file": file})
        if found.st_size > max_octets:
            raise PkiError("REQUEST_TOO_LARGE", f"{file} is too large", {"file": file})
        return source.read(max_octets)


def _walk(root: str) -> Iterator[tuple[str, str]]:
    """Paths below the root, with "/" between their parts, and where to open them. Empty directories are not seen."""
    count = 0
    directories = [""]
    while directories:
        directory = directories.pop()
        try:
            entries = sorted(os.scandir(os.path.join(root, directory)), key=lambda entry: entry.name)
        except OSError as error:
            raise _unreadable(directory, error) from error
        for entry in entries:
            path = f"{directory}/{entry.name}" if directory else entry.name
            if path in SIGNATURE_FILES:
                continue
            try:
                path.encode("utf-8")
            except UnicodeEncodeError:
                raise PkiError("NAME_MALFORMED", "the name of a file is not UTF-8", {"directory": directory}) from None
            if entry.is_dir(follow_symlinks=False):
                directories.append(path)
            elif not entry.is_file(follow_symlinks=False):
                raise PkiError("FILE_NOT_REGULAR", f"{path} is no regular file", {"file": path})
            else:
                count += 1
                if count > MAX_RESOURCES:
                    raise PkiError("REQUEST_TOO_LARGE", f"{root} has more than {MAX_RESOURCES} files")
                yield path, entry.path


def _hash_file(path: str, location: str, shard_octets: int | None) -> tuple[list[Shard], HashedOctets]:
    """SHA-256 of a file, or of its pieces, when it is the same before and after: device, inode, length and times. An empty file has one piece.
    Raises FILE_CHANGED."""
    try:
        descriptor = os.open(location, _FLAGS | _NO_FOLLOW)
        with os.fdopen(descriptor, "rb", buffering=0) as source:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise PkiError("FILE_NOT_REGULAR", f"{path} is no regular file", {"file": path})
            head = source.read(_HEAD_OCTETS) if before.st_size else b""
            source.seek(0)
            size = shard_octets or max(before.st_size, 1)
            ends = [min(start + size, before.st_size) for start in range(0, max(before.st_size, 1), size)]
            shards = [Shard(path, i * size, end, _hash_octets(source, end - i * size)) for i, end in enumerate(ends)]
            _require_same(path, before, os.fstat(descriptor))
    except OSError as error:
        raise _unreadable(path, error) from error
    return shards, HashedOctets(path, before.st_size, head, lambda start, end: _read_again(path, location, before, start, end))


def _hash_octets(source: io.RawIOBase, count: int) -> str:
    """Of the next octets, so many or as many as there are."""
    sha256 = hashlib.sha256()
    while count > 0 and (chunk := source.read(min(_CHUNK_OCTETS, count))):
        sha256.update(chunk)
        count -= len(chunk)
    return sha256.hexdigest()


def _read_again(path: str, location: str, before: os.stat_result, start: int, end: int) -> bytes:
    with Path(location).open("rb") as source:
        _require_same(path, before, os.fstat(source.fileno()))
        source.seek(start)
        octets = source.read(end - start)
        _require_same(path, before, os.fstat(source.fileno()))
    return octets


def _require_same(path: str, before: os.stat_result, after: os.stat_result) -> None:
    def identity(of: os.stat_result) -> tuple[int, ...]:
        return of.st_dev, of.st_ino, of.st_size, of.st_mtime_ns, of.st_ctime_ns

    if identity(before) != identity(after):
        raise PkiError("FILE_CHANGED", f"{path} was changed while it was read", {"file": path})


def _unreadable(file: str, error: OSError) -> PkiError:
    return PkiError("FILE_UNREADABLE", f"cannot read {file} ({error.strerror})", {"file": file})
