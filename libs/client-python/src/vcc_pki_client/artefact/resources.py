"""The files of an artefact: names that mean one file everywhere, in one order, and the digest of them all."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import PkiError

MAX_RESOURCES = 1_000_000
_MAX_SEGMENT_OCTETS, _MAX_PATH_OCTETS = 255, 4096

# C0, DEL and C1, but for the two that sha256sum knows how to write.
_CONTROLS = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SHA256_HEX = re.compile("[0-9a-f]{64}")
_DIGEST = re.compile("sha256:[0-9a-f]{64}")
_DROPPED = re.compile(r"[. ]+(?=/|\Z)")


@dataclass(frozen=True)
class Resource:
    path: str
    """Below the artefact's directory, with "/" between its parts; of an artefact that is one file, that file's name."""
    sha256_hex: str


def is_digest(text: object) -> bool:
    """`sha256:` and 64 lower-case hex digits: what recalls and lineage go by."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def canonical_resources(resources: Sequence[Resource]) -> list[Resource]:
    """Resources in the order of their paths' UTF-8 octets. Raises NAME_MALFORMED for a path that could mean another file, or the file of
    another path, elsewhere; REQUEST_MALFORMED for what is no SHA-256, and for none at all; REQUEST_TOO_LARGE."""
    if not resources:
        raise PkiError("REQUEST_MALFORMED", "an artefact has at least one file")
    if len(resources) > MAX_RESOURCES:
        raise PkiError("REQUEST_TOO_LARGE", f"an artefact has at most {MAX_RESOURCES} files")
    for resource in resources:
        _check_path(resource.path)
        if not _SHA256_HEX.fullmatch(resource.sha256_hex):
            raise PkiError("REQUEST_MALFORMED", "not a SHA-256 in lower-case hex", {"file": resource.path})
    _check_distinct([resource.path for resource in resources])
    return sorted(resources, key=lambda resource: resource.path.encode())


def artefact_digest(shape: str, resources: Sequence[Resource]) -> str:
    """What an artefact is, whatever it is called: of one file its own SHA-256; of a directory that of the lines of its manifest.
    `resources` are canonical."""
    if shape == "file":
        (only,) = resources
        return f"sha256:{only.sha256_hex}"
    return f"sha256:{hashlib.sha256(manifest_body(resources).encode()).hexdigest()}"


_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r"})
_UNESCAPES = {"\\": "\\", "n": "\n", "r": "\r"}
_LINE = re.compile(r"(\\?)([0-9a-f]{64}) \*([^\n\r]+)")


def manifest_body(resources: Sequence[Resource]) -> str:
    """The lines that `sha256sum -b` prints: hash, space, "*", path; with "\\" in front when the path has escapes (GNU coreutils 9.1, "cksum
    output modes")."""
    return "".join(_line(resource) for resource in resources)


def _line(resource: Resource) -> str:
    escaped = resource.path.translate(_ESCAPES)
    return f"{'' if escaped == resource.path else chr(92)}{resource.sha256_hex} *{escaped}\n"


def parse_sums_line(text: str) -> Resource:
    """Reads one line, without its end. Whether it is written in the one right way is seen by writing it again. Raises MANIFEST_MALFORMED."""
    match = _LINE.fullmatch(text)
    if match is None:
        raise PkiError("MANIFEST_MALFORMED", "the manifest has a line that sha256sum -b does not print")
    path = re.sub(r"\\(.?)", _unescape, match[3], flags=re.DOTALL) if match[1] else match[3]
    return Resource(path, match[2])


def _unescape(match: re.Match[str]) -> str:
    if match[1] not in _UNESCAPES:
        raise PkiError("MANIFEST_MALFORMED", "the manifest has an escape that sha256sum does not know")
    return _UNESCAPES[match[1]]


def is_well_formed(text: str) -> bool:
    """Unicode without lone surrogates, which have no UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _check_path(path: str) -> None:
    fault = _find_path_fault(path)
    if fault is not None:
        raise PkiError("NAME_MALFORMED", f"the path of a file {fault}", {"file": path[:256]})


def _find_path_fault(path: str) -> str | None:
    """ "\\" counts as a separator as well, since Windows takes it for one."""
    if not is_well_formed(path):
        return "is not Unicode"
    if _CONTROLS.search(path):
        return "has a control character"
    if len(path.encode()) > _MAX_PATH_OCTETS:
        return f"has more than {_MAX_PATH_OCTETS} octets"
    if re.match("[A-Za-z]:", path):
        return "begins with a drive"
    for segment in re.split(r"[/\\]", path):
        if segment == "":
            return "is absolute or has an empty part"
        if segment in (".", ".."):
            return f'has the part "{segment}"'
        if len(segment.encode()) > _MAX_SEGMENT_OCTETS:
            return f"has a part of more than {_MAX_SEGMENT_OCTETS} octets"
    return None


def _check_distinct(paths: Sequence[str]) -> None:
    """Refuses paths that some file system takes for the same: equal but for upper and lower case or for how accents are composed, and a file
    that is another's directory."""
    taken: dict[str, str] = {}

    def take(path: str, as_directory: bool) -> bool:
        """False when this directory was taken before, and so were those above it."""
        folded = _fold(path[:-1] if as_directory else path)
        other = taken.setdefault(folded, path)
        is_first = other is path
        if not is_first and not (as_directory and other == path):
            raise PkiError("NAME_MALFORMED", "two paths could be the same file", {"file": path, "other": other})
        return is_first

    for path in paths:
        take(path, False)
        end = path.rfind("/")
        while end != -1 and take(path[: end + 1], True):
            end = path.rfind("/", 0, end)


def _fold(path: str) -> str:
    """What case-insensitive and normalising file systems compare. Upper case joins more than lower case does: "ß" and "ss". Windows drops dots and
    spaces at the end of a name."""
    path = _DROPPED.sub("", path)
    if path.isascii():
        return path.upper()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).upper())
