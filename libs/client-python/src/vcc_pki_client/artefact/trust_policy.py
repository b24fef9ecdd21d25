"""Whom a relying party believes what. There is no default: who verifies without saying this verifies nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import PkiError
from .facts import ARTEFACT_TYPES, RISK_CLASSES, is_organisation
from .resources import is_digest

# An identity, of which "*" stands for one whole part.
_IDENTITY = re.compile(r"spiffe://[a-z0-9.-]+(/([a-z0-9][a-z0-9._-]*|\*))+")
_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
_WHETHER = ("required", "where-known")


@dataclass(frozen=True)
class TrustPolicy:
    issuers: tuple[str, ...]
    """The authorities that issue to signers: `sha256:` and the hash of their SubjectPublicKeyInfo, in hex. A trusted root alone is not
    enough, since others are certified under it as well."""
    identities: tuple[str, ...]
    """Who may sign: the URI in the signer's certificate. "*" stands for one part of it, never for several."""
    organisation: str
    """Whose artefacts: the signer's organisation, and the one that the artefact says it is for."""
    types: tuple[str, ...]
    """"untyped" is a bare digest, whose signer does not say what it is of."""
    risk_classes: tuple[str, ...] | None = None
    """Of the AI Act; an artefact without one is refused then. None: not looked at."""
    time_stamp_policies: tuple[str, ...] | None = None
    """Dotted; None: any."""
    revocation: str = "required"
    """required: nothing is accepted of which it is not known that the signer's certificate was not revoked; or where-known."""
    recall: str | None = None
    """The same of recalls of the artefact. A list that is brought has to count either way. None: required by whoever knows where the lists are
    (`VCCPKIClient`). Where it is not required, and not known, a check says so."""


def _texts(holds: Callable[[str], Any]) -> Callable[[Any], bool]:
    def is_list(value: Any) -> bool:
        return isinstance(value, list) and len(value) > 0 and all(isinstance(text, str) and holds(text) for text in value)

    return is_list


_KEYS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "issuers": ("issuers", _texts(is_digest)),
    "identities": ("identities", _texts(lambda text: len(text) <= 512 and _IDENTITY.fullmatch(text))),
    "organisation": ("organisation", is_organisation),
    "types": ("types", _texts(lambda text: text in (*ARTEFACT_TYPES, "untyped"))),
    "riskClasses": ("risk_classes", _texts(lambda text: text in RISK_CLASSES)),
    "timeStampPolicies": ("time_stamp_policies", _texts(_OID.fullmatch)),
    "revocation": ("revocation", lambda value: value in _WHETHER),
    "recall": ("recall", lambda value: value in _WHETHER),
}


def parse_trust_policy(value: Any) -> TrustPolicy:
    """Takes what was read from a file, with the keys of the policy files of the suite (`deploy/policies/artefacts.yaml`), for a policy.
    Unknown keys are refused. Raises CONFIG_INVALID."""
    if not isinstance(value, dict):
        raise _invalid("it is not an object")
    fields: dict[str, Any] = {}
    for key, member in value.items():
        if key not in _KEYS:
            raise _invalid(f"{key} is not known")
        name, holds = _KEYS[key]
        if not holds(member):
            raise _invalid(f"{key} has a value that is not allowed")
        fields[name] = tuple(member) if isinstance(member, list) else member
    if missing := {"issuers", "identities", "organisation", "types"} - fields.keys():
        raise _invalid(f"{sorted(missing)[0]} is missing")
    return TrustPolicy(**fields)


def read_trust_policy(file: str | PathLike[str]) -> TrustPolicy:
    """Reads a trust policy from a file of JSON. (Of YAML: `parse_trust_policy(yaml.safe_load(text))`.) Raises CONFIG_INVALID,
    FILE_UNREADABLE."""
    try:
        text = Path(file).read_text("utf-8")
    except OSError as error:
        raise PkiError("FILE_UNREADABLE", f"cannot read {file}", {"file": str(file)}) from error
    try:
        return parse_trust_policy(json.loads(text))
    except ValueError as error:
        raise _invalid(f"{file} is no JSON: {error}") from error


def matches_identity(pattern: str, uri: str) -> bool:
    """True if a URI fits a pattern, part by part."""
    wanted, parts = pattern.split("/"), uri.split("/")
    return len(wanted) == len(parts) and all(
        want == part or (want == "*" and i > 2) for i, (want, part) in enumerate(zip(wanted, parts))
    )


def _invalid(fault: str) -> PkiError:
    return PkiError("CONFIG_INVALID", f"not a trust policy: {fault}")
