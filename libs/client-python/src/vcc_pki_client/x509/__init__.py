"""Certificates, and whether a path of them is to be trusted at a time (RFC 5280)."""
