"""What TypeScript says of artefacts on disk, Python says, too. The cases are written by test/on-disk.test.ts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cases import octets, read, trust_of

from vcc_pki_client.__main__ import main
from vcc_pki_client.artefact.trust_policy import parse_trust_policy
from vcc_pki_client.errors import PkiError
from vcc_pki_client.pem import to_pem
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
    assert [[v.name, v.ok, v.code, v.is_waived] for v in verified.verdicts] == case["verdicts"]
    assert verified.ok is case["ok"]
    assert [{"path": path, "flag": flag} for path, flag in verified.flagged] == case["flagged"]
    if verified.ok:
        assert verified.require() is verified
    else:
        with pytest.raises(PkiError, match="ARTEFACT_REFUSED"):
            verified.require()


def test_the_command_line_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trust = WRITTEN["trust"]
    (tmp_path / "trust.pem").write_bytes(to_pem([octets(der) for der in [*trust["anchors"], *trust["stamps"]]]))
    (tmp_path / "policy.json").write_text(json.dumps(WRITTEN["policy"]))
    options = ["--policy", str(tmp_path / "policy.json"), "--trust", str(tmp_path / "trust.pem")]
    codes = [main(["verify", case["path"], *options]) for case in WRITTEN["cases"]]
    assert codes == [0 if case.get("ok") else 1 for case in WRITTEN["cases"]]
    capsys.readouterr()
    changed = next(case for case in WRITTEN["cases"] if case["what"] == "a changed file")
    assert main(["verify", changed["path"], *options, "--lang", "de"]) == 1
    assert "NO resources-changed  RESOURCE_CHANGED: Eine Datei wurde verändert." in capsys.readouterr().out
    assert main(["verify", WRITTEN["cases"][0]["path"], *options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["signer"] == "spiffe://vcc.internal/org/brandenburg/service/clara-signer"
