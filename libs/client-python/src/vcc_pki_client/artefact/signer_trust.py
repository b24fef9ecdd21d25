"""Whether the signer of an artefact is one to believe at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ..asn1 import oids
from ..checks import Check, open_check, outcome
from ..cms.time_stamp import StampTrust
from ..x509.certificate import Certificate, is_signed_by
from ..x509.path import validate_path
from ..x509.revocation import RevocationEvidence
from ..x509.spiffe import SpiffeId, identity_of
from ..x509.trust import Anchored, TrustCheck, describe
from .trust_policy import TrustPolicy, matches_identity


@dataclass(frozen=True)
class ArtefactTrust:
    """What a relying party has to judge by: from its own trust bundle, never from what comes with a signature."""

    anchors: Sequence[Certificate]
    """Roots of signers."""
    time_stamp_anchors: Sequence[Certificate]
    """Roots of time-stamping authorities."""
    intermediates: Sequence[Certificate] = ()
    """Certificates that may stand in between, beside those that come with a signature or a token."""
    revocation: RevocationEvidence | None = None
    """Lists and responses about certificates of signers and time-stamping units."""


# Reasons of `validate_path` that have a verdict of their own; all others are about the path.
_VERDICT_BY_REASON = {
    "notYetValid": "validity",
    "expired": "validity",
    "purpose": "purpose",
    "revoked": "revocation",
    "revocationUnknown": "revocation-known",
}


def signer_trust(trust: ArtefactTrust, policy: TrustPolicy) -> TrustCheck:
    """Judges the signer: the path to an anchor, what its certificate is for, who issued it, whom it names, and whether it was revoked.
    Every check is made, whatever the others say, but for revocation, which nobody asks of a certificate without a path."""

    def judge(signer: Certificate, others: Sequence[Certificate], at: datetime) -> list[Check]:
        candidates = [*others, *trust.intermediates]
        result = validate_path(
            signer,
            candidates,
            trust.anchors,
            at,
            purpose=oids.CODE_SIGNING,
            revocation=trust.revocation,
            require_revocation=policy.revocation == "required",
        )

        def fault_of(name: str) -> str | None:
            return describe(f for f in result.faults if _VERDICT_BY_REASON.get(f.reason, "path") == name)

        has_path = all(fault.reason in ("revoked", "revocationUnknown") for fault in result.faults)
        return [
            outcome("path", fault_of("path")),
            outcome("validity", fault_of("validity")),
            outcome("purpose", fault_of("purpose") or _find_purpose_fault(signer)),
            outcome("issuer", _find_issuer_fault(signer, [*candidates, *trust.anchors], policy)),
            outcome("identity", _find_identity_fault(signer, policy)),
            *(outcome(name, fault_of(name)) if has_path else open_check(name) for name in ("revocation", "revocation-known")),
        ]

    return judge


def stamp_trust(trust: ArtefactTrust, policy: TrustPolicy) -> StampTrust:
    """Whose time stamps count: units under the anchors for time stamps, which were not revoked when they stamped."""
    anchored = Anchored(
        trust.time_stamp_anchors,
        trust.intermediates,
        revocation=trust.revocation,
        require_revocation=policy.revocation == "required",
    )
    return StampTrust(anchored, policy.time_stamp_policies, trust.intermediates)


def _find_purpose_fault(signer: Certificate) -> str | None:
    """A signer's key is for nothing else: whoever may sign code with a certificate for servers can have it sign code by connecting."""
    if signer.extended_key_usages is None or len(signer.extended_key_usages) != 1:
        return "extended key usage is not codeSigning alone"
    is_said = signer.key_usage is not None and "digitalSignature" in signer.key_usage
    return None if is_said else "key usage is not said to be digitalSignature"


def _find_issuer_fault(signer: Certificate, authorities: Sequence[Certificate], policy: TrustPolicy) -> str | None:
    """By the key that signed the certificate: what it says of its issuer's name is anybody's to write."""

    def is_issuer(authority: Certificate) -> bool:
        fingerprint = f"sha256:{hashlib.sha256(authority.spki_der).hexdigest()}"
        return fingerprint in policy.issuers and is_signed_by(signer, authority.spki_der)

    if any(map(is_issuer, authorities)):
        return None
    return f"the certificate was issued by {signer.issuer.rfc4514_string()}"


def _find_identity_fault(signer: Certificate, policy: TrustPolicy) -> str | None:
    identity = signer_identity(signer)
    if identity is None:
        return "the certificate does not name one service of an organisation"
    if any(matches_identity(pattern, identity.uri) for pattern in policy.identities):
        return None
    return f"it is {identity.uri}"


def signer_identity(signer: Certificate) -> SpiffeId | None:
    """Who a signer says it is: the one URI of its certificate, when it names a service of an organisation."""
    identity = identity_of(signer)
    return identity if identity is not None and identity.kind == "workload" else None
