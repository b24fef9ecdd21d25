"""`SHA256SUMS`: three lines that `sha256sum -c` takes for comments, with the facts as canonical JSON, and what `sha256sum -b` prints about every
file, sorted. There is one manifest for one artefact, octet by octet."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..errors import PkiError
from .facts import Facts, check_facts
from .resources import MAX_RESOURCES, Resource, canonical_resources, manifest_body, parse_sums_line
from .strict_json import canonical_json

MANIFEST_FILE = "SHA256SUMS"
MANIFEST_SIGNATURE_FILE = "SHA256SUMS.p7s"
MODEL_SIGNATURE_FILE = "model.sig"
PUBLISH_ATTESTATION_SUFFIX = ".publish.attestation"
SIGNATURE_FILES = frozenset({MANIFEST_FILE, MANIFEST_SIGNATURE_FILE, MODEL_SIGNATURE_FILE})
"""What stands in an artefact's directory beside its own files."""

MANIFEST_MIME_TYPE = "application/vnd.vcc-pki.manifest"
"""What the signer of a manifest says that it is. Without it, a signature over a bare digest, of which a signer knows nothing, would be one over
the manifest that has this digest."""

MAX_MANIFEST_OCTETS = 128 * 1024 * 1024
_VERSION, _SHAPE, _ARTEFACT = "# vcc-manifest 1", "# shape: ", "# artefact: "


def build_manifest(facts: Facts, shape: str, resources: Sequence[Resource]) -> bytes:
    """Raises as `canonical_resources` and `check_facts` do."""
    canonical = canonical_resources(resources)
    check_shape(shape, canonical)
    head = f"{_VERSION}\n{_SHAPE}{shape}\n{_ARTEFACT}".encode() + canonical_json(check_facts(facts))
    return head + b"\n" + manifest_body(canonical).encode()


def parse_manifest(octets: bytes) -> tuple[Facts, str, tuple[Resource, ...]]:
    """Facts, shape and files of a manifest that `build_manifest` could have written: all others are refused, so that no two readers see two things in one.
    Raises MANIFEST_MALFORMED, ARTEFACT_MALFORMED, NAME_MALFORMED, REQUEST_TOO_LARGE."""
    if len(octets) > MAX_MANIFEST_OCTETS:
        raise PkiError("REQUEST_TOO_LARGE", "the manifest is too long")
    try:
        lines = octets.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise _malformed("is not UTF-8") from None
    if lines.pop() != "":
        raise _malformed("does not end with a line feed")
    if len(lines) < 3 or lines[0] != _VERSION:
        raise _malformed(f'does not begin with "{_VERSION}" and two lines more')
    if len(lines) - 3 > MAX_RESOURCES:
        raise PkiError("REQUEST_TOO_LARGE", "the manifest has too many lines")
    shape = lines[1].removeprefix(_SHAPE)
    if shape not in ("file", "directory") or not lines[1].startswith(_SHAPE):
        raise _malformed("does not say in its second line what it is of")
    facts = _parse_facts(lines[2])
    resources = tuple(parse_sums_line(line) for line in lines[3:])
    if build_manifest(facts, shape, resources) != octets:
        raise _malformed("is not written in its one form")
    return facts, shape, resources


def _parse_facts(line: str) -> Facts:
    if not line.startswith(_ARTEFACT):
        raise _malformed("does not say in its third line what the artefact is")
    try:
        return check_facts(json.loads(line.removeprefix(_ARTEFACT)))
    except (ValueError, RecursionError):
        raise _malformed("has an artefact that is not JSON") from None


def check_shape(shape: str, resources: Sequence[Resource]) -> None:
    """Refuses files that are not of the shape, and signatures among them. Raises REQUEST_MALFORMED, NAME_MALFORMED."""
    if shape == "file" and (len(resources) != 1 or "/" in resources[0].path):
        raise PkiError("REQUEST_MALFORMED", "an artefact that is a file has one resource, in no directory")
    own = next((r.path for r in resources if r.path in SIGNATURE_FILES), None) if shape == "directory" else None
    if own is not None:
        raise PkiError("NAME_MALFORMED", "a signature is no file of what it signs", {"file": own})


def _malformed(fault: str) -> PkiError:
    return PkiError("MANIFEST_MALFORMED", f"the manifest {fault}")
