"""Reads attestation objects (PEP 740) with pypi-attestations, PyPI's own library: one JSON object a line, with the object's file, that of the
distribution, and DER files of the signer's certificate, its issuer's and the root's; answers each with one line, "valid" or why not.

Its `verify` wants a transparency log and sigstore's roots, neither of which this suite has. So what it would have asked them is asked here of
cryptography, and the rest is as it does it.
"""

import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_der_x509_certificate
from pypi_attestations import Attestation, AttestationType, Distribution
from sigstore.dsse import _pae


def verify(question):
    attestation = Attestation.model_validate_json(Path(question["object"]).read_text())
    distribution = Distribution.from_file(Path(question["distribution"]))

    certificate = load_der_x509_certificate(attestation.verification_material.certificate)
    issuer, root = (load_der_x509_certificate(Path(question[name]).read_bytes()) for name in ("issuer", "root"))
    certificate.verify_directly_issued_by(issuer)
    issuer.verify_directly_issued_by(root)
    envelope = attestation.envelope
    signed = _pae("application/vnd.in-toto+json", envelope.statement)
    certificate.public_key().verify(envelope.signature, signed, ECDSA(SHA256()))

    (subject,) = attestation.statement["subject"]
    if subject["name"] != distribution.name:
        raise ValueError("subject does not match distribution name")
    if subject["digest"]["sha256"] != distribution.digest:
        raise ValueError("subject does not match distribution digest")
    AttestationType(attestation.statement["predicateType"])


for line in sys.stdin:
    try:
        verify(json.loads(line))
        print("valid", flush=True)
    except Exception as refusal:
        print(" ".join(f"{type(refusal).__name__}: {refusal}".split()), flush=True)
