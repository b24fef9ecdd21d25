"""Whether an artefact on disk may be used."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from .artefact.comparison import Expected
from .artefact.contents import check_contents, flag_files, is_model
from .artefact.recall import RecallEvidence
from .artefact.signer_trust import ArtefactTrust
from .artefact.trust_policy import TrustPolicy
from .artefact.verdicts import verdicts_of
from .artefact.verify import ArtefactVerification, verify_signed_artefact
from .errors import PkiError
from .files import ObservedArtefact, observe_artefact


@dataclass(frozen=True)
class VerifiedArtefact(ArtefactVerification):
    """What was looked at in an artefact on disk."""

    files: tuple[str, ...]
    """Paths of all of it."""
    flagged: tuple[tuple[str, str], ...]
    """Files of a model that may run when it is loaded, each with why: pickle, pickle-name or code."""

    def require(self) -> VerifiedArtefact:
        """Itself, when everything holds. Raises ARTEFACT_REFUSED otherwise, whose details have the codes."""
        if self.ok:
            return self
        faults = "; ".join(v.reason.en for v in self.verdicts if v.reason and v.code != "NOT_LOOKED_AT")
        raise PkiError("ARTEFACT_REFUSED", faults, {"codes": ", ".join(self.refusals)})


def verify_artefact(
    path: str | os.PathLike[str],
    trust: ArtefactTrust,
    policy: TrustPolicy,
    expected: Expected = Expected(),
    recall: RecallEvidence | None = None,
    signature_file: str | os.PathLike[str] | None = None,
) -> VerifiedArtefact:
    """Every file is hashed, signature, time stamp, signer, statement, files and recalls are judged, and a model is looked into. Nobody is
    asked: `trust.revocation` and `recall` are what is known. Raises for what makes it no artefact, as `observe_artefact` does; what is wrong
    with a signature is a verdict."""
    return judge_artefact(observe_artefact(path, signature_file), trust, policy, expected, recall)


def judge_artefact(
    there: ObservedArtefact,
    trust: ArtefactTrust,
    policy: TrustPolicy,
    expected: Expected = Expected(),
    recall: RecallEvidence | None = None,
) -> VerifiedArtefact:
    """The same of an artefact that has been hashed already."""
    verification = verify_signed_artefact(there.material, there.observed, trust, policy, expected, recall)
    type_ = verification.facts["type"] if verification.facts else ""
    contents = verdicts_of(check_contents(type_, there.files))
    if verification.ok and not all(verdict.ok for verdict in contents):
        verification = replace(verification, ok=False, artefact_digest=None, signer=None, signed_at=None)
    return VerifiedArtefact(
        **{**vars(verification), "verdicts": (*verification.verdicts, *contents)},
        files=tuple(file.path for file in there.files),
        flagged=tuple(flag_files(there.files)) if is_model(type_) else (),
    )
