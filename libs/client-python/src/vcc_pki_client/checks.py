"""One thing that was looked at, and whether it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Check:
    name: str
    """Stable."""
    ok: bool
    reason: str | None = None
    """Why not, for people."""
    is_open: bool = False
    """True when it could not be looked at, since something before it failed. Then it does not hold either."""
    is_waived: bool = False
    """True when it does not hold, which the one who asks has said that he puts up with: `ok` is true then, and `reason` says what it is."""


def outcome(name: str, fault: str | None) -> Check:
    """Holds unless there is a fault."""
    return Check(name, fault is None, fault)


def open_check(name: str) -> Check:
    return Check(name, False, "not looked at, for what is before it failed", is_open=True)


def faults_text(checks: Iterable[Check]) -> str:
    """What fails, by name and reason: "nonce: it is not the request's; policy: it is under policy 1.2.3". Empty when all hold."""
    return "; ".join(f"{check.name}: {check.reason}" for check in checks if not check.ok)


def run_check(name: str, find_fault: Callable[[T], str | None], subject: T) -> Check:
    """The outcome of one check. What it raises is what is wrong, too: nothing that is looked at can end the looking."""
    try:
        return outcome(name, find_fault(subject))
    except Exception as error:
        return Check(name, False, str(error) or type(error).__name__)


def complete(made: Iterable[Check], names: Iterable[str]) -> list[Check]:
    """The checks that were made, and those of `names` that were not, for one before them failed: they do not hold either."""
    done = list(made)
    seen = {check.name for check in done}
    return done + [open_check(name) for name in names if name not in seen]
