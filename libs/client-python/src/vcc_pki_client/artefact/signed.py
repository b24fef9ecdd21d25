"""What was signed of an artefact."""

from __future__ import annotations

from dataclasses import dataclass

from .facts import Facts
from .resources import Resource, artefact_digest
from .shards import Shard, shards_digest


@dataclass(frozen=True)
class Signed:
    """All its files, whole or in shards, or its digest alone."""

    facts: Facts | None
    """None when the signer says nothing of it."""
    shape: str
    """file, directory, or digest for what somebody else counts."""
    resources: tuple[Resource, ...] | None = None
    """In canonical order; of the shape "file" exactly one."""
    shards: tuple[Shard, ...] | None = None
    shard_octets: int = 0
    """Of every shard but a file's last one."""
    digest_alone: str | None = None
    implied_type: str | None = None
    """What it is by what its statement is, where no facts say so."""

    @property
    def type(self) -> str:
        """untyped when the signer does not say."""
        return str(self.facts["type"]) if self.facts else self.implied_type or "untyped"

    @property
    def digest(self) -> str:
        """`sha256:…`: files that were hashed in another way than they were signed in have another one."""
        if self.digest_alone is not None:
            return self.digest_alone
        if self.shards is not None:
            return shards_digest(self.shape, self.shard_octets, self.shards)
        return artefact_digest(self.shape, self.resources or ())
