"""Python SDK of VCC PKI: identities over mutual TLS that renew themselves, and offline verification of signed artefacts."""

from .artefact.comparison import Expected
from .artefact.recall import RecallEvidence
from .artefact.signer_trust import ArtefactTrust
from .artefact.trust_policy import TrustPolicy, parse_trust_policy, read_trust_policy
from .artefact.verdicts import VERDICTS, Verdict
from .async_client import AsyncVCCPKIClient
from .client import CallDecision, ServiceCertificate, SignedHash, VCCPKIClient
from .errors import PkiError
from .identity_files import Identity
from .matrix import Decision, Matrix, MatrixFile, read_matrix
from .peers import Peer, PeerTrust
from .renewal import Renewal
from .time_stamping import TimeStamp
from .verify_artefact import VerifiedArtefact, verify_artefact

__all__ = [
    "VERDICTS",
    "ArtefactTrust",
    "AsyncVCCPKIClient",
    "CallDecision",
    "Decision",
    "Expected",
    "Identity",
    "Matrix",
    "MatrixFile",
    "Peer",
    "PeerTrust",
    "PkiError",
    "RecallEvidence",
    "Renewal",
    "ServiceCertificate",
    "SignedHash",
    "TimeStamp",
    "TrustPolicy",
    "VCCPKIClient",
    "Verdict",
    "VerifiedArtefact",
    "parse_trust_policy",
    "read_matrix",
    "read_trust_policy",
    "verify_artefact",
]
