"""JSON (RFC 8259) that says one thing to everybody, and the one way to write it (RFC 8785)."""

from __future__ import annotations

import json
from typing import Any

from ..errors import PkiError


def parse_strict_json(octets: bytes, *, max_octets: int, max_depth: int, code: str, what: str) -> Any:
    """A name that stands twice in an object is refused, however it is escaped, since the one reader takes the first and the other the
    last. Octets have to be UTF-8 without a byte order mark. Raises `code`, REQUEST_TOO_LARGE. `what` is for people: "the bundle"."""
    if len(octets) > max_octets:
        raise PkiError("REQUEST_TOO_LARGE", f"{what} has more than {max_octets} octets")
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise PkiError(code, f"{what} is not UTF-8") from None
    if _depth_of(text) > max_depth:
        raise PkiError(code, f"{what} is nested deeper than {max_depth}")

    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            raise PkiError(code, f"{what} has a name twice")
        return value

    def no_constant(name: str) -> Any:
        raise PkiError(code, f"{what} is not JSON: {name}")

    try:
        return json.loads(text, object_pairs_hook=distinct, parse_constant=no_constant)
    except ValueError as error:
        raise PkiError(code, f"{what} is not JSON: {error}") from error


def _depth_of(text: str) -> int:
    """The deepest nesting, without parsing: brackets in strings do not count."""
    depth = deepest = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "}]":
            depth -= 1
    return deepest


def canonical_json(value: Any) -> bytes:
    """Of objects whose names are ASCII and whose numbers are integers, as all of ours are."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
