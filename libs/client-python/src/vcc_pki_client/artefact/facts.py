"""What a signature says about an artefact, beside its files. It stands inside what is signed; every value is text, so that there is one way to
write it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import PkiError
from ..x509.spiffe import ORGANISATION
from .resources import is_digest, is_well_formed

ARTEFACT_TYPES = (
    "python_package",
    "lora_adapter",
    "model_weights",
    "pipeline_config",
    "ui_bundle",
    "container_image",
    "workflow",
    "source_tree",
    "file",
)

# The four levels of risk of the AI Act, Regulation (EU) 2024/1689: Articles 5 (unacceptable), 6 (high) and 50 (limited), and the rest.
RISK_CLASSES = ("minimal", "limited", "high", "unacceptable")

Facts = Mapping[str, Any]
"""Facts that were checked: type, name, version, organisation, metadata, as they stand in what was signed."""

# A rule raises a ValueError with what is wrong.
_Rule = Callable[[Any], None]


def is_text(value: Any, max_characters: int) -> bool:
    """Text of so many UTF-16 code units at most, without control characters."""
    if not isinstance(value, str) or not is_well_formed(value):
        return False
    length = len(value.encode("utf-16-le")) // 2
    return 1 <= length <= max_characters and not any(unicodedata.category(c) == "Cc" for c in value)


def _text(max_characters: int) -> _Rule:
    return _require(lambda value: is_text(value, max_characters), f"not text of 1 to {max_characters} characters")


def _require(holds: Callable[[Any], bool], fault: str) -> _Rule:
    def rule(value: Any) -> None:
        if not holds(value):
            raise ValueError(fault)

    return rule


def _object(required: Mapping[str, _Rule], optional: Mapping[str, _Rule]) -> _Rule:
    """An object with these names and no others."""

    def rule(value: Any) -> None:
        if not isinstance(value, dict):
            raise ValueError("not an object")
        if missing := required.keys() - value.keys():
            raise ValueError(f"{sorted(missing)[0]} is missing")
        rules = {**required, **optional}
        for name, member in value.items():
            if name not in rules:
                raise ValueError(f"{name} is not known")
            try:
                rules[name](member)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None

    return rule


def _list(of: _Rule) -> _Rule:
    def rule(value: Any) -> None:
        if not isinstance(value, list) or not 1 <= len(value) <= 256:
            raise ValueError("not a list of 1 to 256 entries")
        for member in value:
            of(member)

    return rule


def _extra(value: Any) -> None:
    """What else the signer says, not looked at by us."""
    if not isinstance(value, dict) or len(value) > 64:
        raise ValueError("not an object of at most 64 entries")
    for name, text in value.items():
        if not re.fullmatch("[A-Za-z][A-Za-z0-9._-]{0,63}", name):
            raise ValueError("a name is malformed")
        _text(1024)(text)


def _one_of(values: tuple[str, ...]) -> _Rule:
    return _require(lambda value: isinstance(value, str) and value in values, f"not one of {', '.join(values)}")


def is_organisation(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(ORGANISATION, value) is not None


_digest = _require(is_digest, "not sha256: and 64 lower-case hex digits")
_metadata = _object(
    {},
    {
        "modelVersion": _text(128),
        # What an adapter was trained on: it is refused on any other.
        "baseModel": _object({"digest": _digest}, {"name": _text(256)}),
        "datasets": _list(_object({"name": _text(256)}, {"digest": _digest})),
        "evaluations": _list(_object({"name": _text(256)}, {"digest": _digest, "result": _text(1024)})),
        "riskClass": _one_of(RISK_CLASSES),
        "extra": _extra,
    },
)
_facts = _object(
    {
        "type": _one_of(ARTEFACT_TYPES),
        "name": _text(256),
        # For whom it was signed; the signer's certificate has to name the same one.
        "organisation": _require(is_organisation, "not 3 to 40 lower-case letters, digits and hyphens"),
    },
    {"version": _text(128), "metadata": _metadata},
)


def check_facts(value: Any) -> Facts:
    """Takes what somebody says about an artefact for facts; metadata that is left out is empty. Raises ARTEFACT_MALFORMED."""
    try:
        _facts(value)
    except ValueError as error:
        raise PkiError("ARTEFACT_MALFORMED", f"what is said of the artefact: {error}") from None
    return {"metadata": {}, **value}
