"""Identities of the suite's trust domain (SPIFFE-ID section 2), in the one shape that each kind has."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import PkiError
from .certificate import Certificate

DEFAULT_TRUST_DOMAIN = "vcc.internal"

ORGANISATION = r"[a-z][a-z0-9-]{1,38}[a-z0-9]"
_PART = r"[a-z0-9][a-z0-9._-]{0,62}"
_TRUST_DOMAIN = r"[a-z0-9](?:[a-z0-9.-]{0,253}[a-z0-9])?"
_ID = re.compile(
    rf"spiffe://(?P<domain>{_TRUST_DOMAIN})/(?:pki/(?P<suite>[a-z][a-z0-9-]{{0,62}})"
    rf"|org/(?P<organisation>{ORGANISATION})/(?P<kind>service|admin)/(?P<id>{_PART}))"
)


@dataclass(frozen=True)
class SpiffeId:
    uri: str
    kind: str
    """workload, admin, or suite for the PKI's own services."""
    id: str
    """The service's or administrator's name."""
    organisation: str | None
    """None for the suite's own services."""
    trust_domain: str


def parse_spiffe_id(uri: str, trust_domain: str | None = None) -> SpiffeId:
    """Stricter than the standard: lower case only, nothing to normalise, so that equal identities are equal strings. Raises NAME_MALFORMED,
    also for another trust domain than the one that is asked for."""
    match = _ID.fullmatch(uri)
    if match is None or (trust_domain is not None and match["domain"] != trust_domain):
        raise PkiError("NAME_MALFORMED", "not a suite, workload or admin identity of the trust domain")
    if match["suite"]:
        return SpiffeId(uri, "suite", match["suite"], None, match["domain"])
    kind = "workload" if match["kind"] == "service" else "admin"
    return SpiffeId(uri, kind, match["id"], match["organisation"], match["domain"])


def identity_of(certificate: Certificate, trust_domain: str | None = None) -> SpiffeId | None:
    """Who a certificate names: its one URI; None where there is none, or several, or one that is no identity."""
    if len(certificate.names.uri) != 1:
        return None
    try:
        return parse_spiffe_id(certificate.names.uri[0], trust_domain)
    except PkiError:
        return None
