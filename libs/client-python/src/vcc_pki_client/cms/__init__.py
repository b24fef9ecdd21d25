"""Signatures with attributes and time stamps: CMS (RFC 5652), CAdES-B-T (EN 319 122-1), RFC 3161, DSSE."""
