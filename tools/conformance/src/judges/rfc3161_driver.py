"""Verifies time-stamp responses with rfc3161-client: one JSON object a line, with what was asked and the DER files; answers each with
one line, "valid" or why not.
"""

import json
import sys
from pathlib import Path

from cryptography.x509 import ObjectIdentifier, load_der_x509_certificate
from rfc3161_client import VerifierBuilder, decode_timestamp_response


def read(file):
    return Path(file).read_bytes()


def verify(question):
    response = decode_timestamp_response(read(question["response"]))
    certificates = [load_der_x509_certificate(read(file)) for file in question["certificates"]]
    builder = VerifierBuilder(
        policy_id=ObjectIdentifier(question["policy"]) if "policy" in question else None,
        nonce=int(question["nonce"], 16) if "nonce" in question else None,
        # A token that brings its certificate is judged by that.
        tsa_certificate=certificates[0] if certificates and not response.signed_data.certificates else None,
        intermediates=certificates[1:],
        roots=[load_der_x509_certificate(read(question["root"]))],
    )
    builder.build().verify(response, bytes.fromhex(question["digest"]))


for line in sys.stdin:
    try:
        verify(json.loads(line))
        print("valid", flush=True)
    except Exception as refusal:
        print(" ".join(f"{type(refusal).__name__}: {refusal}".split()), flush=True)
