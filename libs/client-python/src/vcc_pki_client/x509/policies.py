"""Certificate policies along a path (RFC 5280 section 6.1)."""

from __future__ import annotations

from collections.abc import Sequence

from ..asn1 import oids
from ..asn1.reader import SEQUENCE, DerReader
from .certificate import Certificate


def mapped_policies(certificate: Certificate) -> list[tuple[str, str]]:
    """PolicyMappings ::= SEQUENCE OF SEQUENCE { issuerDomainPolicy, subjectDomainPolicy } (RFC 5280 section 4.2.1.5)"""
    der = certificate.values.get(oids.POLICY_MAPPINGS)
    if der is None:
        return []
    reader = DerReader(der)
    mappings = reader.list_of(SEQUENCE, lambda each: each.within(SEQUENCE, lambda pair: (pair.oid(), pair.oid())))
    reader.end()
    return mappings


def is_policy_valid(path: Sequence[Certificate]) -> bool:
    """True if the path is valid under some policy, or under none where no certificate insists on one. Mapping is inhibited from the start
    (section 6.1.1 (e)): a policy that is mapped to another ends there, so that the tree of section 6.1.2 is one set for each
    certificate and nothing can grow as RFC 9618 describes. `path`: the end entity first, the anchor last."""
    policies = {oids.ANY_POLICY}
    explicit, inhibit_any = len(path) + 1, len(path) + 1
    for i in reversed(range(len(path))):
        certificate, is_final = path[i], i == 0
        if i < len(path) - 1 or certificate.policies is not None:
            policies = _policies_after(policies, certificate, inhibit_any > 0 or (not is_final and certificate.is_self_issued))
        constraints = certificate.policy_constraints
        require = constraints.require_explicit_policy if constraints else None
        if is_final:  # section 6.1.5 (a) and (b)
            explicit = max(0, (0 if require == 0 else explicit) - 1)
            break
        mapped = {issuer for issuer, _ in mapped_policies(certificate)}
        policies -= mapped
        if not certificate.is_self_issued:  # section 6.1.4 (h) to (j)
            explicit, inhibit_any = max(0, explicit - 1), max(0, inhibit_any - 1)
        explicit = min(explicit, explicit if require is None else require)
        if certificate.inhibit_any_policy is not None:
            inhibit_any = min(inhibit_any, certificate.inhibit_any_policy)
    return explicit > 0 or len(policies) > 0


def _policies_after(before: set[str], certificate: Certificate, may_be_any: bool) -> set[str]:
    """Section 6.1.3 (d) and (e)."""
    own = certificate.policies or ()
    kept = {dotted for dotted in own if dotted != oids.ANY_POLICY and (dotted in before or oids.ANY_POLICY in before)}
    return kept | before if may_be_any and oids.ANY_POLICY in own else kept
