"""Who gets a fact: the endpoints of its division and of every division above it, unless they asked for other codes.

Refuses to know why a fact arose and how it travels.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

State = Literal["active", "paused", "disabled"]


@dataclass(frozen=True, slots=True)
class Fact:
    """What happened: its code, and the path of its division (None where no machine, and so no place, is known)."""

    code: str | None
    path: str | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Who wants to hear: everything below `path`, of these codes (None: of all)."""

    id: UUID
    path: str
    codes: frozenset[str] | None
    state: State


def recipients(fact: Fact, endpoints: Iterable[Endpoint]) -> list[UUID]:
    """The endpoints that get this fact; a paused one too, as its deliveries wait for it."""
    return [endpoint.id for endpoint in endpoints if _gets(endpoint, fact)]


def _gets(endpoint: Endpoint, fact: Fact) -> bool:
    if endpoint.state == "disabled":
        return False
    if endpoint.codes is not None and fact.code not in endpoint.codes:
        return False
    if fact.path is None:
        # A chip without a machine has no place. Its facts go to the top, or a clone of it would reach nobody.
        return "/" not in endpoint.path
    return f"{fact.path}/".startswith(f"{endpoint.path}/")
