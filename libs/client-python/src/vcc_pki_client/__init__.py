"""Python SDK of VCC PKI."""
