"""Verifies the DSSE envelope of a bundle with securesystemslib: one JSON object a line, with the bundle's file and that of the signer's
certificate (DER); answers each with one line, "valid" or why not.
"""

import json
import sys
from pathlib import Path

from cryptography.x509 import load_der_x509_certificate
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey


def verify(question):
    certificate = load_der_x509_certificate(Path(question["certificate"]).read_bytes())
    key = SSlibKey.from_crypto(certificate.public_key())
    envelope = json.loads(Path(question["bundle"]).read_text())["dsseEnvelope"]
    # It looks a key up by its identifier, which an envelope here does not give.
    for signature in envelope["signatures"]:
        signature["keyid"] = key.keyid
    Envelope.from_dict(envelope).verify([key], 1)


for line in sys.stdin:
    try:
        verify(json.loads(line))
        print("valid", flush=True)
    except Exception as refusal:
        print(" ".join(f"{type(refusal).__name__}: {refusal}".split()), flush=True)
