"""Decisions of the matrix, call by call as libs/matrix makes them. The cases are written by test/matrix.test.ts."""

from __future__ import annotations

from typing import Any

import pytest
from cases import read

from vcc_pki_client import Matrix, PkiError

CASES = read("matrices")


@pytest.mark.parametrize("case", CASES)
def test_decides_as_libs_matrix_does(case: dict[str, Any]) -> None:
    matrix = Matrix(case["matrix"])
    assert matrix.organization == "brandenburg"
    differing = []
    for source, target, method, path, *expected in case["calls"]:
        decision = matrix.decide(source, target, method, path)
        if [decision.allowed, decision.reason, decision.rule, decision.line] != expected:
            differing.append((source, target, method, path, decision, expected))
    assert differing == []


def test_calls_are_allowed_and_refused_for_every_reason() -> None:
    """The cases are about something."""
    reasons = {call[5] for case in CASES for call in case["calls"]}
    everything = {"allowed", "denied-by-rule", "permission-needed", "isolated", "no-rule", "not-here", "path-malformed"}
    assert reasons == everything


SOUND = CASES[0]["matrix"]


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        [],
        {**SOUND, "format": "vcc-matrix-2"},
        {"format": "vcc-matrix-1", "rules": []},
        {**SOUND, "rules": [{"id": "x"}]},
        {**SOUND, "rules": [{**SOUND["rules"][0], "effect": "maybe"}]},
        {**SOUND, "rules": [{**SOUND["rules"][0], "paths": ["no-slash"]}]},
        {**SOUND, "rules": [{**SOUND["rules"][0], "paths": "/all"}]},
        {**SOUND, "rules": [{**SOUND["rules"][0], "source": 1}]},
        {**SOUND, "permissions": [{"name": "x", "target": "y", "holders": "z"}]},
        {**SOUND, "types": []},
    ],
)
def test_what_is_no_matrix(document: Any) -> None:
    with pytest.raises(PkiError, match="CONFIG_INVALID"):
        Matrix(document)
