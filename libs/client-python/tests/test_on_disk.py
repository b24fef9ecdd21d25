"""What TypeScript says of artefacts on disk, Python says, too. The cases are written by test/on-disk.test.ts."""

from __future__ import annotations

from typing import Any

import pytest
from cases import read, trust_of

from vcc_pki_client.artefact.trust_policy import parse_trust_policy
from vcc_pki_client.errors import PkiError
from vcc_pki_client.verify_artefact import verify_artefact

WRITTEN = read("on-disk")
POLICY = parse_trust_policy(WRITTEN["policy"])


@pytest.mark.parametrize("case", [pytest.param(case, id=case["what"]) for case in WRITTEN["cases"]])
def test_says_what_typescript_says(case: dict[str, Any]) -> None:
    if "throws" in case:
        with pytest.raises(PkiError) as raised:
            verify_artefact(case["path"], trust_of(WRITTEN["trust"]), POLICY)
        assert raised.value.code == case["throws"]
        return
    verified = verify_artefact(case["path"], trust_of(WRITTEN["trust"]), POLICY)
    assert [[v.name, v.ok, v.code] for v in verified.verdicts] == case["verdicts"]
    assert verified.ok is case["ok"]
    assert [{"path": path, "flag": flag} for path, flag in verified.flagged] == case["flagged"]
    if verified.ok:
        assert verified.require() is verified
    else:
        with pytest.raises(PkiError, match="ARTEFACT_REFUSED"):
            verified.require()
