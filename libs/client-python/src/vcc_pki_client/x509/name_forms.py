"""Whether a name is written as its form wants it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_IP_LIKE = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):((?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+)")


def is_dns_name(text: str, wildcard: bool = False) -> bool:
    """A host name in the preferred syntax of RFC 1034 section 3.5 as changed by RFC 1123 section 2.1, and nothing that a resolver would
    take for an IP address. Hyphens in places 3 and 4 are for A-labels alone (RFC 5890 section 2.3.1)."""
    if len(text) > 253:
        return False
    labels = text.split(".")
    if wildcard and labels[0] == "*":
        return len(labels) >= 3 and is_dns_name(text[2:])
    if _IP_LIKE.fullmatch(labels[-1]):
        return False
    return all(_LABEL.fullmatch(label) and _is_honest(label.lower()) for label in labels)


def _is_honest(label: str) -> bool:
    """An A-label says one thing only: what it decodes to is encoded as the same."""
    if label[2:4] != "--":
        return True
    if not label.startswith("xn--"):
        return False
    try:
        unicode = label.encode("ascii").decode("idna")
        return unicode != label and unicode.encode("idna").decode("ascii") == label
    except UnicodeError:
        return False


def is_mailbox(text: str) -> bool:
    """rfc822Name (RFC 5280 section 4.2.1.6): a Dot-string of RFC 5321 section 4.1.2 and a host name."""
    local, at, host = text.rpartition("@")
    return bool(at) and len(local) <= 64 and is_dns_name(host) and _LOCAL_PART.fullmatch(local) is not None


def is_absolute_uri(text: str) -> bool:
    """RFC 3986 in ASCII, without user information; http, https and any with "//" need a host (RFC 5280 section 4.2.1.6)."""
    match = _URI.fullmatch(text)
    if match is None:
        return False
    if not match[2].startswith("//"):
        return match[1].lower() not in ("http", "https")
    authority = re.split(r"[/?#]", match[2][2:], maxsplit=1)[0]
    return authority != "" and "@" not in authority and not authority.startswith(":") and host_of(text) != ""


def host_of(uri: str) -> str:
    """The host of a URI in lower case; empty when there is none."""
    try:
        return urlsplit(uri).hostname or ""
    except ValueError:
        return ""
