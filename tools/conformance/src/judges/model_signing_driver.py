"""OpenSSF Model Signing about models whose files are hashed in shards, which its command does not know: one JSON object a line. With "bundle", the
bundle of "directory" is verified under the root "chain"; without, "directory" is signed to "signature" by "key" and "certificate", in shards of
"shard_octets". Answers each with one line, "valid" or why not.
"""

import json
import sys
from base64 import b64decode
from pathlib import Path

from model_signing import hashing, signing, verifying


def sign(question):
    signing.Config().use_certificate_signer(
        private_key=Path(question["key"]),
        signing_certificate=Path(question["certificate"]),
        certificate_chain=[Path(question["chain"])],
    ).set_hashing_config(
        hashing.Config().use_shard_serialization(shard_size=question["shard_octets"])
    ).sign(question["directory"], question["signature"])


def verify(question):
    bundle = Path(question["bundle"])
    verifier = verifying.Config().use_certificate_verifier(certificate_chain=[Path(question["chain"])])
    # It reads from a bundle how files were hashed, but cannot read its own: it writes 1048576.0, and does not take that for a length.
    payload = json.loads(b64decode(json.loads(bundle.read_text())["dsseEnvelope"]["payload"]))
    shard_size = payload["predicate"]["serialization"]["shard_size"]
    if isinstance(shard_size, float):
        verifier.set_hashing_config(hashing.Config().use_shard_serialization(shard_size=int(shard_size)))
    verifier.verify(question["directory"], bundle)


for line in sys.stdin:
    try:
        question = json.loads(line)
        verify(question) if "bundle" in question else sign(question)
        print("valid", flush=True)
    except Exception as refusal:
        print(" ".join(f"{type(refusal).__name__}: {refusal}".split()), flush=True)
