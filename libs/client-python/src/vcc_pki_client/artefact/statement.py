"""What the payload of an envelope says: a statement of OpenSSF Model Signing, our own attestation, or PyPI's (PEP 740)."""

from __future__ import annotations

import re

from .facts import check_facts
from .in_toto import Statement, build_in_toto, check_one_form, malformed, object_of, parse_in_toto
from .manifest import check_shape
from .oms import OMS_PREDICATE_TYPE, read_oms
from .resources import Resource, canonical_resources
from .signed import Signed

_ARTEFACT = "urn:vcc-pki:artefact:v1"
_PUBLISH = "https://docs.pypi.org/attestations/publish/v1"

# Name and version, in any spelling that PyPI takes.
_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._+!]*[A-Za-z0-9])?"
# name-version[-build]-python-abi-platform (Binary distribution format, "File name convention").
_WHEEL = re.compile(rf"{_PART}-{_PART}(-[0-9][A-Za-z0-9_]*)?(-[A-Za-z0-9_.]+){{3}}\.whl")
# name-version (Source distribution file name); older ones have hyphens in their names, and are zipped.
_SDIST = re.compile(rf"{_PART}(-{_PART})+\.(tar\.gz|zip)")


def is_distribution_name(name: str) -> bool:
    """True for the name of a file that `pip` takes for a distribution, as PEP 740 has them attested."""
    return len(name) <= 256 and (_WHEEL.fullmatch(name) or _SDIST.fullmatch(name)) is not None


def parse_statement(payload: bytes) -> Signed:
    """Reads the payload of an envelope. One that has our facts has to be as we write it, octet by octet; those of other tools may be written
    otherwise, but have no name twice. Raises STATEMENT_MALFORMED, ARTEFACT_MALFORMED, NAME_MALFORMED, REQUEST_MALFORMED,
    REQUEST_TOO_LARGE."""
    statement = parse_in_toto(payload)
    if statement.predicate_type == OMS_PREDICATE_TYPE:
        return read_oms(statement)
    if statement.predicate_type == _ARTEFACT:
        return _read_attestation(statement)
    if statement.predicate_type == _PUBLISH:
        return _read_publish_attestation(statement)
    raise malformed(f"has the predicate {statement.predicate_type!r}")


def _read_publish_attestation(statement: Statement) -> Signed:
    """What attests that a distribution was published. Its predicate is empty, and alone says what it is."""
    if statement.predicate not in (None, {}):
        raise malformed("has a predicate that is not empty")
    file = _the_file(statement)
    if not is_distribution_name(file.path):
        raise malformed(f"is about {file.path!r}, no distribution")
    return Signed(None, "file", (file,), implied_type="python_package")


def _read_attestation(statement: Statement) -> Signed:
    """An attestation of our own, about a file or about a digest alone."""
    predicate = object_of(statement.predicate, {"shape", "vcc"})
    shape, facts = predicate["shape"], check_facts(predicate["vcc"])
    if shape not in ("file", "directory", "digest"):
        raise malformed("is of no shape")
    if shape == "file":
        file = _the_file(statement)
        signed, name = Signed(facts, shape, (file,)), file.path
    else:
        signed, name = Signed(facts, shape, digest_alone=f"sha256:{statement.sha256_hex}"), facts["name"]
    built = build_in_toto(name, statement.sha256_hex, _ARTEFACT, {"shape": shape, "vcc": facts})
    check_one_form(built, statement)
    return signed


def _the_file(statement: Statement) -> Resource:
    """The one resource of an artefact that is a file, named as PEP 740 has a distribution named."""
    canonical = canonical_resources([Resource(statement.name, statement.sha256_hex)])
    check_shape("file", canonical)
    return canonical[0]
