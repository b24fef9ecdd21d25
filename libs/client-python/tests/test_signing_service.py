"""What the real signing service signed: everything is accepted, under lists that the real ca signed; nothing is when it was recalled, or when nothing
is known of revocation. The cases are written by test/signing-service.test.ts."""

from __future__ import annotations

from typing import Any

import pytest
from cases import ask, read

CASES = read("service")


@pytest.mark.parametrize("case", [pytest.param(case, id=case["what"]) for case in CASES])
def test_says_what_typescript_says(case: dict[str, Any]) -> None:
    verification = ask(case)
    assert [[v.name, v.ok, v.code, v.is_waived] for v in verification.verdicts] == case["verdicts"]
    if case["what"].endswith(", recalled"):
        assert {"RECALLED", "RECALL_NOT_KNOWN"} & set(verification.refusals)
    elif case["what"].endswith(", without lists"):
        assert not verification.ok
    else:
        assert verification.refusals == []
        assert verification.ok
        assert verification.signer is not None
        assert verification.signer.identity.organisation == "brandenburg"
