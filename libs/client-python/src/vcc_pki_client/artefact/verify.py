"""Whether an artefact that is there may be used, by what vouches for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Union

from ..checks import Check, complete
from ..cms.cades import SignatureFindings, verify_cades_signature
from ..cms.dsse import DSSE_CHECKS, verify_envelope
from ..errors import PkiError
from ..x509.algorithms import digest as hash_digest
from ..x509.certificate import Certificate
from ..x509.spiffe import SpiffeId
from .bundle import parse_bundle
from .comparison import Expected, Observed, check_facts_against, compare_with_signed, digest_text
from .facts import Facts
from .in_toto import IN_TOTO_PAYLOAD_TYPE
from .manifest import MANIFEST_MIME_TYPE, parse_manifest
from .recall import RecallEvidence, check_recall
from .signed import Signed
from .signer_trust import ArtefactTrust, signer_identity, signer_trust, stamp_trust
from .statement import parse_statement
from .trust_policy import TrustPolicy
from .verdicts import Verdict, verdicts_of


@dataclass(frozen=True)
class ManifestMaterial:
    """A manifest SHA256SUMS and its detached CMS signature (CAdES-B-T)."""

    manifest: bytes
    cms: bytes


@dataclass(frozen=True)
class CmsMaterial:
    """A CMS signature over the artefact's digest alone."""

    cms: bytes


@dataclass(frozen=True)
class BundleMaterial:
    """An envelope with its certificates and time stamp: of OpenSSF Model Signing, of sigstore's strict form, or an attestation."""

    bundle: bytes


Material = Union[ManifestMaterial, CmsMaterial, BundleMaterial]


@dataclass(frozen=True)
class Signer:
    identity: SpiffeId
    certificate: Certificate


@dataclass(frozen=True)
class ArtefactVerification:
    ok: bool
    verdicts: tuple[Verdict, ...]
    """Every check there is, in one order."""
    artefact_digest: str | None
    """`sha256:…`; None for a bare digest that is not of SHA-256, and when it is refused."""
    facts: Facts | None
    """What the signer says; None for a bare digest. Not to be believed unless `ok`."""
    signer: Signer | None
    """None when it is refused."""
    signed_at: datetime | None
    """By the time stamp; None when it is refused."""

    @property
    def refusals(self) -> list[str]:
        """Codes of what does not hold, but for what could not be looked at."""
        return [verdict.code for verdict in self.verdicts if verdict.code not in (None, "NOT_LOOKED_AT")]


def verify_signed_artefact(
    material: Material,
    observed: Observed,
    trust: ArtefactTrust,
    policy: TrustPolicy,
    expected: Expected = Expected(),
    recall: RecallEvidence | None = None,
) -> ArtefactVerification:
    """Looks, in this order, at signature, time stamp, signer, what is said of the artefact, every file of it, and recalls. The time is that of
    the time stamp; no clock is asked. All of it is looked at even when something fails, and a thing that cannot be looked at fails.
    Raises for nothing that the material or the artefact holds."""
    # 1. What is there has one digest, and the signature is over a manifest, over this digest, or over the payload of an envelope.
    checks, digest = observed.one_digest()
    findings, payload = _look_at_signature(material, digest, trust, policy)
    checks += findings.checks

    # 2. What was signed is read in its one form; of a bare digest there is nothing that says what it is.
    is_untyped = isinstance(material, CmsMaterial)
    signed: Signed | None = None
    if not is_untyped and payload is not None:
        try:
            signed = Signed(*parse_manifest(payload)) if isinstance(material, ManifestMaterial) else parse_statement(payload)
            checks.append(Check("statement", True))
        except PkiError as error:
            checks.append(Check("statement", False, error.message))

    # 3. What it says is what the policy allows and the caller expects; what is there is what it lists.
    facts = signed.facts if signed else None
    if signed is not None or is_untyped:
        checks += check_facts_against(facts, signed.type if signed else "untyped", findings.signer, policy, expected)
    if signed is not None:
        checks += compare_with_signed(signed, observed)

    # 4. It was not recalled since.
    identity = signer_identity(findings.signer) if findings.signer else None
    text = digest_text(digest)
    checks += check_recall(text, identity, findings.signed_at, recall, trust, policy)

    verdicts = tuple(verdicts_of(checks))
    is_whole = (signed is not None or is_untyped) and digest is not None and findings.signed_at is not None
    if not is_whole or identity is None or findings.signer is None or not all(verdict.ok for verdict in verdicts):
        return ArtefactVerification(False, verdicts, None, facts, None, None)
    return ArtefactVerification(True, verdicts, text, facts, Signer(identity, findings.signer), findings.signed_at)


def _look_at_signature(
    material: Material, digest: tuple[str, bytes] | None, trust: ArtefactTrust, policy: TrustPolicy
) -> tuple[SignatureFindings, bytes | None]:
    """What the signature came to, and what was signed, true or not."""
    by, stamp = signer_trust(trust, policy), stamp_trust(trust, policy)
    if isinstance(material, ManifestMaterial):
        manifest = material.manifest
        over = lambda algorithm: hash_digest(algorithm, manifest)  # noqa: E731
        return verify_cades_signature(material.cms, over, MANIFEST_MIME_TYPE, by, stamp), manifest
    if isinstance(material, CmsMaterial):
        return verify_cades_signature(material.cms, lambda algorithm: _known(digest, algorithm), None, by, stamp), None
    try:
        bundle = parse_bundle(material.bundle)
    except PkiError as error:
        made = complete([Check("well-formed", False, error.message)], DSSE_CHECKS)
        return SignatureFindings(tuple(made), None, None), None
    envelope = bundle.envelope
    findings = verify_envelope(envelope, IN_TOTO_PAYLOAD_TYPE, bundle.certificates, bundle.time_stamps, by, stamp)
    well_formed = (Check("well-formed", True), *findings.checks)
    return SignatureFindings(well_formed, findings.signer, findings.signed_at), envelope.payload


def _known(digest: tuple[str, bytes] | None, algorithm: str) -> bytes:
    """The digest of what is there, which has to be of the hash that the signer uses; nothing is no digest."""
    if digest is None or digest[0] != algorithm:
        raise ValueError(f"the digest is not of {algorithm}")
    return digest[1]
