"""DSSE envelopes (DSSE protocol v1.0), signed by the first of the certificates that come along. ECDSA signatures are DER."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ..checks import Check, complete, run_check
from ..errors import PkiError
from ..x509.algorithms import envelope_scheme_for, verify_signature
from ..x509.certificate import Certificate, is_signed_by
from ..x509.trust import TRUST, TrustCheck, ask_trust
from .cades import SignatureFindings
from .time_stamp import SIGNATURE_TIME_STAMP_CHECKS, StampTrust, verify_signature_time_stamp


@dataclass(frozen=True)
class Envelope:
    payload_type: str
    payload: bytes
    signatures: tuple[bytes, ...]


def build_pae(payload_type: str, payload: bytes) -> bytes:
    """PAE(type, body) = "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body: what is signed. Raises REQUEST_MALFORMED for a type that is none."""
    if not re.fullmatch(r"[\x21-\x7e]{1,256}", payload_type):
        raise PkiError("REQUEST_MALFORMED", "the payload type is not visible ASCII, or too long")
    return f"DSSEv1 {len(payload_type)} {payload_type} {len(payload)} ".encode("ascii") + payload


_ONE_SIGNER, _SIGNER_CERTIFICATE = "one-signer", "signer-certificate"
_CHECKS_AT = (_ONE_SIGNER, _SIGNER_CERTIFICATE, "content-type", "signature", "certificate-chain")

DSSE_CHECKS = (*_CHECKS_AT, *SIGNATURE_TIME_STAMP_CHECKS)
"""Names of what is looked at in an envelope with a time stamp."""


def verify_envelope(
    envelope: Envelope,
    payload_type: str,
    certificates: Sequence[Certificate],
    time_stamps: Sequence[bytes],
    trust: TrustCheck,
    stamp: StampTrust,
) -> SignatureFindings:
    """Looks at everything that makes an envelope one by the first of these certificates, with one signature and one time stamp. The signer
    is judged at the time of the time stamp and at no other. Raises for nothing that the envelope holds."""
    checks, is_signed = _look_at(envelope, payload_type, certificates)
    if not is_signed:
        return _findings(checks, DSSE_CHECKS, None, None, False)
    stamped, at = verify_signature_time_stamp(time_stamps, envelope.signatures[0], stamp)
    checks += stamped
    if at is not None:
        checks += ask_trust(trust, certificates[0], certificates[1:], at)
    return _findings(checks, DSSE_CHECKS, certificates[0], at, at is not None)


def verify_envelope_at(
    envelope: Envelope, payload_type: str, certificates: Sequence[Certificate], trust: TrustCheck, at: datetime
) -> SignatureFindings:
    """The same about an envelope whose time is known otherwise."""
    checks, is_signed = _look_at(envelope, payload_type, certificates)
    if is_signed:
        checks += ask_trust(trust, certificates[0], certificates[1:], at)
    return _findings(checks, _CHECKS_AT, certificates[0] if is_signed else None, at, is_signed)


def _look_at(envelope: Envelope, payload_type: str, certificates: Sequence[Certificate]) -> tuple[list[Check], bool]:
    if len(envelope.signatures) != 1:
        return [Check(_ONE_SIGNER, False, f"there are {len(envelope.signatures)} signatures")], False
    if not certificates:
        return [Check(_ONE_SIGNER, True), Check(_SIGNER_CERTIFICATE, False, "there is none")], False
    signature, signer = envelope.signatures[0], certificates[0]

    def find_other_type(_: None) -> str | None:
        return None if envelope.payload_type == payload_type else f"the payload is {envelope.payload_type}"

    def find_wrong_signature(_: None) -> str | None:
        scheme = envelope_scheme_for(signer.spki_der)
        pae = build_pae(envelope.payload_type, envelope.payload)
        is_by_signer = verify_signature(signer.spki_der, scheme, pae, signature)
        return None if is_by_signer else "it is not by this key over this payload"

    return [
        Check(_ONE_SIGNER, True),
        Check(_SIGNER_CERTIFICATE, True),
        run_check("content-type", find_other_type, None),
        run_check("signature", find_wrong_signature, None),
        run_check("certificate-chain", _find_chain_fault, certificates),
    ], True


def _find_chain_fault(certificates: Sequence[Certificate]) -> str | None:
    """Nothing is carried along that does not vouch for what is before it."""
    for i, (certificate, issuer) in enumerate(zip(certificates, certificates[1:])):
        if not is_signed_by(certificate, issuer.spki_der):
            return f"certificate {i + 1} was not signed by the one behind it"
    root = certificates[-1]
    is_forged = len(certificates) > 1 and root.is_self_issued and not is_signed_by(root, root.spki_der)
    return "the last certificate was not signed by itself" if is_forged else None


def _findings(
    made: list[Check], names: Sequence[str], signer: Certificate | None, at: datetime | None, is_judged: bool
) -> SignatureFindings:
    return SignatureFindings(tuple(complete(made, names if is_judged else (*names, TRUST))), signer, at)
