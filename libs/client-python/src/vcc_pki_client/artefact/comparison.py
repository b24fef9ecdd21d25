"""Whether what is there, and what is said of it, is what was signed, what the policy allows and what the caller expects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ..checks import Check, open_check, outcome
from ..errors import PkiError
from ..x509.certificate import Certificate
from .facts import Facts
from .resources import Resource, artefact_digest, canonical_resources
from .shards import Shard, canonical_shards, named_shards, shards_digest
from .signed import Signed
from .signer_trust import signer_identity
from .trust_policy import TrustPolicy

# So many names are given in a reason; the others are counted.
_MAX_NAMED = 10


@dataclass(frozen=True)
class Observed:
    """What is there: files that were hashed, whole or in shards, or a digest, when the caller has that alone."""

    shape: str
    """file, directory or digest."""
    resources: Sequence[Resource] = ()
    hash: str = "sha256"
    digest: bytes = b""
    shards: Sequence[Shard] | None = None
    """Instead of resources."""
    shard_octets: int = 0

    def one_digest(self) -> tuple[list[Check], tuple[str, bytes] | None]:
        """What is there as one digest, with its hash; None when there are no files or their names are not to be trusted."""
        if self.shape == "digest":
            return [], (self.hash, self.digest)
        name = "resource-names"
        if not (self.resources if self.shards is None else self.shards):
            return [Check(name, True)], None
        try:
            text = self._text()
        except PkiError as error:
            return [Check(name, False, f"{error.message} {json.dumps(dict(error.details))}")], None
        return [Check(name, True)], ("sha256", bytes.fromhex(text.removeprefix("sha256:")))

    def _text(self) -> str:
        if self.shards is None:
            return artefact_digest(self.shape, canonical_resources(self.resources))
        shards = canonical_shards(self.shape, self.shard_octets, self.shards)
        return shards_digest(self.shape, self.shard_octets, shards)


def digest_text(digest: tuple[str, bytes] | None) -> str | None:
    """As artefacts are named; None when it is not of SHA-256."""
    return f"sha256:{digest[1].hex()}" if digest and digest[0] == "sha256" else None


@dataclass(frozen=True)
class Expected:
    """What an artefact is to be used as. What is left out is not looked at."""

    name: str | None = None
    version: str | None = None
    base_model: str | None = None
    """The digest of the model that an adapter is to be loaded onto."""


def check_facts_against(
    facts: Facts | None, type_: str, signer: Certificate | None, policy: TrustPolicy, expected: Expected
) -> list[Check]:
    """Whether what is said of an artefact is what the policy allows and the caller expects. `facts`: None when the signer says nothing;
    `type_`: "untyped" when it does not say."""
    said: Facts = facts or {}
    metadata = said.get("metadata", {})

    def of(name: str, holds: bool, fault: str) -> Check:
        return outcome(name, None if holds else fault)

    risk = metadata.get("riskClass")
    name, version = said.get("name"), said.get("version")
    base = metadata.get("baseModel", {}).get("digest")
    wanted = (expected.name or name, expected.version or version)
    return [
        open_check("organisation") if signer is None else outcome("organisation", _organisation_fault(said, signer, policy)),
        of("artefact-type", type_ in policy.types, f"it is {type_}"),
        of("risk-class", policy.risk_classes is None or risk in policy.risk_classes, f"it is {risk or 'not said'}"),
        of("expected-artefact", wanted == (name, version), f"it is {json.dumps([name, version])}"),
        of("base-model", expected.base_model in (None, base), f"it is for {base or 'none that it names'}"),
    ]


def _organisation_fault(facts: Facts, signer: Certificate, policy: TrustPolicy) -> str | None:
    identity = signer_identity(signer)
    if identity is None or identity.organisation != policy.organisation:
        return f"the signer is of {identity.organisation if identity else 'none'}"
    whom = facts.get("organisation", policy.organisation)
    return None if whom == policy.organisation else f"it is for {whom}"


def compare_with_signed(signed: Signed, observed: Observed) -> list[Check]:
    """Whether what is there is what was signed: every file, or the digest where one of the two has that alone."""
    is_of_shape = signed.shape in (observed.shape, "digest") or observed.shape == "digest"
    shape = Check("shape", is_of_shape, None if is_of_shape else f"it is a {observed.shape}")
    if observed.shape != "digest":
        if signed.resources is not None and observed.shards is None:
            return [shape, *_compare_resources(signed.resources, observed.resources)]
        if signed.shards is not None and observed.shards is not None and signed.shard_octets == observed.shard_octets:
            return [shape, *_compare_resources(named_shards(signed.shards), named_shards(observed.shards))]
    is_same = digest_text(observed.one_digest()[1]) == signed.digest
    return [shape, Check("resources-changed", is_same, None if is_same else "its digest is another")]


def _compare_resources(signed: Sequence[Resource], observed: Sequence[Resource]) -> list[Check]:
    """File by file: all of it has to be there, unchanged, and nothing else. A file that is there under another name is renamed, neither
    missing nor extra."""
    there = {resource.path: resource.sha256_hex for resource in observed}
    renamed, missing, changed = [], [], []
    gone: list[Resource] = []
    for resource in signed:
        sha256_hex = there.pop(resource.path, None)
        if sha256_hex is None:
            gone.append(resource)
        elif sha256_hex != resource.sha256_hex:
            changed.append(resource.path)
    extra_by_hash = {sha256_hex: path for path, sha256_hex in there.items()}
    for resource in gone:
        now = extra_by_hash.pop(resource.sha256_hex, None)
        if now is None:
            missing.append(resource.path)
        else:
            renamed.append(f"{resource.path} is {now}")
            del there[now]
    return [
        _faults("resources-renamed", renamed),
        _faults("resources-missing", missing),
        _faults("resources-extra", list(there)),
        _faults("resources-changed", changed),
    ]


def _faults(name: str, faults: Sequence[str]) -> Check:
    if not faults:
        return Check(name, True)
    named = ", ".join(json.dumps(fault, ensure_ascii=False) for fault in faults[:_MAX_NAMED])
    more = len(faults) - _MAX_NAMED
    return Check(name, False, named + (f" and {more} more" if more > 0 else ""))
