"""A CA's constraints on the names of certificates below it (RFC 5280 section 4.2.1.10)."""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cryptography import x509

from .certificate import Certificate
from .name_forms import host_of, is_dns_name, is_mailbox

_EMAIL_ADDRESS = "1.2.840.113549.1.9.1"

Within = Callable[[Any, Any], bool]


def comparison_count(constraints: x509.NameConstraints, certificate: Certificate) -> int:
    """At most how many comparisons that takes: more names and constraints than anybody needs are there to waste our time."""
    names = certificate.names
    count = sum(map(len, (names.dns, names.ip, names.uri, names.email, names.directory))) + len(list(certificate.subject))
    return count * len([*(constraints.permitted_subtrees or ()), *(constraints.excluded_subtrees or ())])


def find_violation(constraints: x509.NameConstraints, certificate: Certificate) -> str | None:
    """Says which name breaks the constraints, or None. A form that is constrained in a way that cannot be read breaks them, too. The
    subject counts as a directory name unless it is empty, and its emailAddress attributes as mailboxes."""
    names = certificate.names
    permitted, excluded = _by_form(constraints.permitted_subtrees), _by_form(constraints.excluded_subtrees)
    if names.others and (permitted.get("other") or excluded.get("other")):
        return "a name of another form"
    emails = [*names.email, *(str(a.value) for a in certificate.subject if a.oid.dotted_string == _EMAIL_ADDRESS)]
    subjects = [certificate.subject] if list(certificate.subject) else []
    rows: tuple[tuple[str, Iterable[Any], Within, Within], ...] = (
        ("dns", names.dns, _is_dns_within, _may_be_dns_within),
        ("ip", map(ipaddress.ip_address, names.ip), _is_ip_within, _is_ip_within),
        ("uri", names.uri, _is_uri_within, _may_be_uri_within),
        ("email", emails, _is_email_within, _is_email_within),
        ("directory", [*subjects, *names.directory], _is_directory_within, _is_directory_within),
    )
    for form, own, is_within, may_be_within in rows:
        allowed, refused = permitted.get(form, []), excluded.get(form, [])
        is_unreadable = not all(_is_readable(form, base) for base in [*allowed, *refused])
        for name in own:
            if is_unreadable or any(may_be_within(name, base) for base in refused):
                return f"{form} name {name}"
            if allowed and not any(is_within(name, base) for base in allowed):
                return f"{form} name {name}"
    return None


def _by_form(subtrees: Sequence[x509.GeneralName] | None) -> dict[str, list[Any]]:
    forms: dict[str, list[Any]] = {}
    kinds = {
        x509.DNSName: "dns",
        x509.IPAddress: "ip",
        x509.UniformResourceIdentifier: "uri",
        x509.RFC822Name: "email",
        x509.DirectoryName: "directory",
    }
    for base in subtrees or ():
        forms.setdefault(kinds.get(type(base), "other"), []).append(base.value)
    return forms


def _is_readable(form: str, base: Any) -> bool:
    if form == "dns":
        return base == "" or is_dns_name(base)
    if form == "uri" or (form == "email" and "@" not in base):
        return is_dns_name(base[1:] if base.startswith(".") else base)
    return is_mailbox(base) if form == "email" else True


def _is_dns_within(name: str, base: str) -> bool:
    lower, suffix = name.lower(), base.lower()
    return suffix == "" or lower == suffix or lower.endswith(f".{suffix}")


def _may_be_dns_within(name: str, base: str) -> bool:
    """A wildcard also stands for the one excluded name that it covers."""
    first, _, parent = name.partition(".")
    covers = first == "*" and base.partition(".")[2].lower() == parent.lower()
    return covers or _is_dns_within(name, base)


def _is_ip_within(address: Any, network: Any) -> bool:
    return bool(address.version == network.version and address in network)


def _is_uri_within(uri: str, base: str) -> bool:
    return _is_host_within(host_of(uri), base)


def _may_be_uri_within(uri: str, base: str) -> bool:
    """A URI without a host, or with an IP address for one, cannot be shown to lie outside."""
    return not is_dns_name(host_of(uri)) or _is_uri_within(uri, base)


def _is_host_within(host: str, base: str) -> bool:
    """The host itself, or with a leading dot those below it."""
    lower, constraint = host.lower(), base.lower()
    return lower.endswith(constraint) if constraint.startswith(".") else lower == constraint


def _is_email_within(email: str, base: str) -> bool:
    local, _, host = email.rpartition("@")
    if "@" not in base:
        return _is_host_within(host, base)
    base_local, _, base_host = base.rpartition("@")
    return local == base_local and _is_host_within(host, base_host)


def _is_directory_within(name: x509.Name, base: x509.Name) -> bool:
    """Whether the name begins with the RDNs of the base, by their text, whatever its type, case and spaces (RFC 5280 section 7.1)."""
    own, wanted = [_folded(rdn) for rdn in name.rdns], [_folded(rdn) for rdn in base.rdns]
    return own[: len(wanted)] == wanted


def _folded(rdn: x509.RelativeDistinguishedName) -> frozenset[tuple[str, str]]:
    return frozenset((a.oid.dotted_string, " ".join(unicodedata.normalize("NFKC", str(a.value)).split()).lower()) for a in rdn)
