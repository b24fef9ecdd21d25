"""Strict reading of DER: what `cryptography` has no parser for is read here, octet by octet."""
