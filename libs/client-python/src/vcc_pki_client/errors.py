"""The one error of this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class PkiError(Exception):
    """What is refused, with a stable code for programs (the codes of `libs/errors`) and a message for people.

    `details` names what the refusal is about: a file, a field, a status."""

    def __init__(self, code: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.details: Mapping[str, Any] = details or {}


def malformed(fault: str) -> PkiError:
    """A fault in DER."""
    return PkiError("DER_MALFORMED", f"DER: {fault}")
